"""A process in which hostile inputs are used: with a limit of memory, and stopped if an example takes too long."""

import contextlib
import io
import multiprocessing
import resource
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurorec.basics.errors import NeurorecError

SECONDS = 30.0  #: of processor time; a usable card takes 5 at most on a free machine, a busy one needs more
HANGS = 60.0  #: seconds, however busy the machine is
MORE_BYTES = 10**9  #: beyond what the process needs before the first example


def serve(pipe: Any, prepare: Callable[[], None], use: Callable[..., None]) -> None:
    """Answer each example with (outcome, text): "refused", "used" or "traceback"."""
    warnings.simplefilter("ignore")
    prepare()
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MORE_BYTES,) * 2)
    pipe.send("ready")
    while (example := pipe.recv()) is not None:
        try:
            began = time.process_time()
            with contextlib.redirect_stdout(io.StringIO()):
                use(*example)
            answer = "used", ""
            if (took := time.process_time() - began) > SECONDS:
                answer = "slow", f"{took:.1f} s"
        except NeurorecError as error:
            answer = "refused", str(error)
        except BaseException:
            answer = "traceback", traceback.format_exc(limit=-6)
        pipe.send(answer)


class Worker:
    """`use(*example)` in a process of its own; `prepare` runs there first, outside the limits."""

    def __init__(self, prepare: Callable[[], None], use: Callable[..., None]) -> None:
        self.told = prepare, use
        self.process: Any = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, *self.told), daemon=True)
        self.process.start()
        other.close()
        assert self.pipe.poll(120)
        assert self.pipe.recv() == "ready"

    def __call__(self, *example: Any) -> tuple[str, str]:
        if self.process is None or not self.process.is_alive():
            self.start()
        self.pipe.send(example)
        try:
            if self.pipe.poll(HANGS):
                return self.pipe.recv()
            outcome = "hang"
        except EOFError:
            outcome = "died"
        self.stop()
        return outcome, ""

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def assert_readable(outcome: str, text: str) -> None:
    """A result, or a message that a person can read."""
    assert outcome in ("used", "refused"), f"{outcome}\n{text}"
    if outcome == "refused":
        assert 10 < len(text) < 10_000
        assert all(line.isprintable() for line in text.splitlines()), text
