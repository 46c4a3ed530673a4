"""Run a study: only what is missing, in parallel; every finished run is stored at once."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from neurorec.basics.errors import InputError, NeurorecError, RunFailed
from neurorec.basics.files import write_atomically
from neurorec.experiments.execute import execute, failed
from neurorec.experiments.folder import open_folder
from neurorec.experiments.plan import RunSpec, plan_as_data
from neurorec.experiments.progress import Channel, FileChannel
from neurorec.experiments.store import RunStore
from neurorec.experiments.study import LoadedStudy
from neurorec.experiments.workers import LocalWorkers
from neurorec.learning.rule import rules

ATTEMPTS = 2  #: a run whose worker is lost is tried once more


class Watcher:
    """Receives progress. The terminal's progress bars are a subclass; this one does nothing."""

    def say(self, line: str) -> None: ...

    def begin(self, total: int, already_done: int) -> None: ...

    def progress(self, spec: RunSpec, epoch: int, epochs: int, score: str) -> None: ...

    def finished(self, spec: RunSpec, reason: str) -> None: ...


class Interrupted(Exception):
    """Stopped by Ctrl-C; finished runs are stored, and the same command continues."""

    def __init__(self, finished: int, total: int) -> None:
        super().__init__(f"stopped; {finished} of {total} runs are stored. The same command continues from there")


def processes(jobs: int) -> Executor:
    """`jobs` worker processes on this machine."""
    return LocalWorkers(jobs)


def run_missing(
    study: LoadedStudy,
    specs: list[RunSpec],
    folder: Path,
    make_executor: Callable[[], Executor],
    watcher: Watcher,
    channel: Channel | None = None,
) -> None:
    """Run every spec that is not yet in `folder`; failed runs are tried again. `channel` reports the progress of workers
    that do not see this machine's files.

    Raises
    ------
    InputError
        If the folder is not writable.
    CannotStore
        If a finished run cannot be stored.
    Interrupted
        After Ctrl-C.
    """
    store = RunStore(folder)
    store.open()
    open_folder(folder, study.path)
    write_atomically(folder / "plan.json", json.dumps(plan_as_data(specs), indent=1))
    missing = sorted((spec for spec in specs if not _stored(spec, store, watcher)), key=_expected_length, reverse=True)
    hand_out(specs, missing, make_executor, watcher, store, channel or FileChannel(store.working), execute, failed)


def hand_out(
    specs: Sequence[Any], missing: Sequence[Any], make_executor: Callable[[], Executor], watcher: Watcher, store: Any,
    channel: Channel, work: Callable[..., Any], fail: Callable[..., Any],
) -> None:  # fmt: skip
    """Have workers do `work(spec, channel)` for the missing specs; each result, or `fail(spec, reason)`, is stored at once.
    Raises as `run_missing`."""
    watcher.begin(len(specs), len(specs) - len(missing))
    if not missing:
        return
    executor = make_executor()
    following = _Following(executor, store, watcher, channel, work, fail)
    try:
        following.run(missing)
        executor.shutdown()
    except BaseException as error:
        executor.shutdown(wait=False, cancel_futures=True)
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(len(specs) - len(missing) + following.done, len(specs)) from None
        raise


def _stored(spec: RunSpec, store: RunStore, watcher: Watcher) -> bool:
    """Whether the run is stored; a damaged one is set aside."""
    try:
        return store.has(spec.run_id)
    except InputError as error:
        watcher.say(f"{error}\n  set aside: {store.set_aside(spec.run_id)}")
        return False


def _expected_length(spec: RunSpec) -> tuple[float, bool, bool]:
    """Longest first, so that no long run is left at the end: slow rules, then spiking networks, then the others."""
    slow = rules[spec.rule].relative_time if spec.rule in rules else 0.0
    return max(slow, 1.0), spec.half == "spiking", spec.half == "rate"


class _Following:
    """Hands out runs, stores each as it ends, and reports progress, until all have ended."""

    def __init__(
        self, executor: Executor, store: Any, watcher: Watcher, channel: Channel, work: Callable[..., Any],
        fail: Callable[..., Any],
    ) -> None:  # fmt: skip
        self.executor, self.store, self.watcher, self.channel = executor, store, watcher, channel
        self.work, self.fail = work, fail
        self.ended: SimpleQueue[Future] = SimpleQueue()
        self.waiting: dict[Future, Any] = {}
        self.attempts: dict[str, int] = {}
        self.done = 0

    def run(self, missing: Sequence[Any]) -> None:
        for spec in missing:
            self._submit(spec)
        told = time.monotonic()
        while self.waiting:
            if (future := self._wait()) is not None:
                self._end(self.waiting.pop(future), future)
            if time.monotonic() - told > 0.25:
                self._report_progress()
                told = time.monotonic()

    def _wait(self) -> Future | None:
        """A run that has ended, or None if none ends for a while."""
        try:
            return self.ended.get(timeout=0.25)
        except Empty:
            return None

    def _submit(self, spec: Any) -> None:
        self.attempts[spec.run_id] = self.attempts.get(spec.run_id, 0) + 1
        future = self.executor.submit(self.work, spec, self.channel)
        self.waiting[future] = spec
        future.add_done_callback(self.ended.put)

    def _end(self, spec: Any, future: Future) -> None:
        self.channel.forget(spec.run_id)
        try:
            run = future.result()
        except Exception as error:  # `execute` raises none, so the worker was lost
            if isinstance(error, NeurorecError) and not isinstance(error, RunFailed):
                raise  # no other run could do better
            if self.attempts[spec.run_id] < ATTEMPTS:
                self.watcher.say(f"{spec.title}: {error}; trying once more")
                return self._submit(spec)
            run = self.fail(spec, f"{error}, {ATTEMPTS} times; give it more memory, or use fewer --jobs")
        self.store.put(run)
        self.done += not run.reason
        self.watcher.finished(spec, run.reason)

    def _report_progress(self) -> None:
        heard = self.channel.heard()
        for spec in self.waiting.values() if heard else ():
            if spec.run_id in heard:
                epoch, epochs, score = heard[spec.run_id]
                self.watcher.progress(spec, epoch, epochs, "" if score is None else f"{score:.3f}")
