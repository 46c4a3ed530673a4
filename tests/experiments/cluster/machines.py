"""A Dask scheduler and workers as separate processes, to be killed, restarted and counted by tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from neurorec.experiments.execute import execute

REPOSITORY = Path(__file__).parents[3]
LOCAL = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
SIDE = "NEUROREC_TEST_SIDE"  #: the folder in which workers note what they run


def noted(spec, channel):
    """`execute`, noting beginning and end; waits while a file "hold" lies in the folder, once it has begun."""
    side = Path(os.environ[SIDE])
    note(side / "begun", spec.run_id)
    while (side / "hold").exists():
        time.sleep(0.02)
    if (side / f"deadly-{spec.half}{spec.control}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    run = execute(spec, channel)
    note(side / "ended", spec.run_id)
    return run


def note(path: Path, run_id: str) -> None:
    with open(path, "a") as file:
        file.write(f"{run_id} {os.getpid()}\n")


def notes(path: Path) -> list[tuple[str, int]]:
    """Run ids with the process that ran them."""
    lines = path.read_text().split("\n") if path.exists() else []
    return [(line.split()[0], int(line.split()[1])) for line in lines[:-1]]


def until(found: Callable[[], Any], what: str, patience_s: float = 120.0) -> Any:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + patience_s
    while not (answer := found()):
        assert time.monotonic() < end, f"still waiting for: {what}"
        time.sleep(0.02)
    return answer


class Machines:
    """One scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes, self.port = folder, dict[str, subprocess.Popen](), 0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """At the port that it had before, if any."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self._start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", str(self.port), *LOCAL,
                    "--scheduler-file", str(file))  # fmt: skip
        self.port = until(lambda: _port_in(file), "the scheduler")

    def start_worker(self, name: str, *options: str, nanny: bool = False, **environment: str) -> None:
        """With a nanny it is replaced when it dies."""
        self._start(name, "worker", self.address, "--nthreads", "1", "--name", name, *LOCAL,
                    "--nanny" if nanny else "--no-nanny", *options, **environment)  # fmt: skip

    def _start(self, name: str, *command: str, **environment: str) -> None:
        everything = {**os.environ, "PYTHONPATH": str(REPOSITORY), SIDE: str(self.folder), **environment}
        with open(self.folder / f"{name}.log", "a") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], cwd=self.folder, env=everything, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """A scheduler without workers; all processes end with the block."""
    found = Machines(folder)
    try:
        found.start_scheduler()
        yield found
    finally:
        for name in list(found.processes):
            found.kill(name)


def _port_in(file: Path) -> int:
    try:
        return int(json.loads(file.read_text())["address"].rpartition(":")[2])
    except (OSError, ValueError):
        return 0
