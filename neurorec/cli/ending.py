"""How a command ends when it is interrupted."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 1.0


@contextmanager
def stopping_once() -> Iterator[None]:
    """The first Ctrl-C raises `KeyboardInterrupt`. Further ones are ignored for a second, while the command cleans up; after
    that they end the process at once. An interrupted process ends, so its handler stays until then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first_s: float | None = None

    def stop(*_: Any) -> None:
        nonlocal first_s
        if first_s is None:
            first_s = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - first_s > PATIENCE_S:
            os._exit(130)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        if first_s is None:
            signal.signal(signal.SIGINT, before)
