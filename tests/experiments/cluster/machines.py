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
from threading import Thread
from typing import Any

from neurorec.experiments import cluster
from neurorec.experiments.execute import execute
from neurorec.experiments.finished import RECORD
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.experiments.manifest import MANIFEST
from neurorec.experiments.plan import RunSpec
from tests.experiments.tiny import Notebook

REPOSITORY = Path(__file__).parents[3]
LOCAL = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
SIDE = "NEUROREC_TEST_SIDE"  #: the folder in which workers note what they run


def noted(spec, channel):
    """`execute`, noting beginning and end. While a file "hold" lies in the folder, only as many runs as it says end."""
    side = Path(os.environ[SIDE])
    note(side / "begun", spec.run_id)
    place = len(notes(side / "begun"))
    while held(side / "hold", place):
        time.sleep(0.02)
    if (side / f"deadly-{spec.half}{spec.control}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    cluster.QUIET_S = 0.0 if (side / "talk").exists() else 1.0
    run = execute(spec, channel)
    while (side / "hold at the end").exists():
        time.sleep(0.02)
    note(side / "ended", spec.run_id)
    return run


def held(path: Path, place: int) -> bool:
    """Whether the file is there and says fewer runs than `place` (an empty one: none)."""
    try:
        return place > int(path.read_text() or 0)
    except FileNotFoundError:
        return False


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


def stored(folder: Path) -> dict[Path, Any]:
    """Every file of every run, without times."""
    found: dict[Path, Any] = {}
    for path in sorted((folder / "done").rglob("*")):
        if path.name == RECORD:
            found[path.relative_to(folder)] = {**json.loads(path.read_text()), "wall_s": None}
        elif path.is_file() and path.name != MANIFEST:
            found[path.relative_to(folder)] = path.read_bytes()
    return found


class Listener(Notebook):
    """Also writes down lines and progress."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.epochs: set[tuple[str, int, int]] = set()

    def say(self, line: str) -> None:
        self.said.append(line)

    def progress(self, spec: RunSpec, epoch: int, epochs: int, score: str) -> None:
        self.epochs.add((spec.run_id, epoch, epochs))


class Study(Thread):
    """A study on a cluster, which runs while a test disturbs it."""

    def __init__(self, card: Path, out: Path, address: str) -> None:
        super().__init__(daemon=True)
        self.prepared = prepare_study(card, out=out, cluster=address)
        self.listener, self.results, self.error = Listener(), None, None
        self.start()

    def run(self) -> None:
        try:
            self.results = run_study(self.prepared, self.listener)
        except Exception as error:
            self.error = error

    def end(self) -> Any:
        """The results; raises what ended the study."""
        self.join(240)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.results


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
        path = os.pathsep.join([str(REPOSITORY), environment.pop("path", "")])
        everything = {**os.environ, "PYTHONPATH": path, SIDE: str(self.folder), **environment}
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
