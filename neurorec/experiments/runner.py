"""Run a study: only what is missing, in parallel; every finished run is stored at once."""

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from neurorec.basics.files import write_atomically
from neurorec.experiments.execute import execute, start_worker
from neurorec.experiments.plan import RunSpec, plan_as_data
from neurorec.experiments.store import RunStore
from neurorec.experiments.study import LoadedStudy
from neurorec.learning.rule import rules


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
    """`jobs` worker processes on this machine, spawned so that torch is initialised in each."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=start_worker, initargs=(os.getpid(),))


def run_missing(
    study: LoadedStudy,
    specs: list[RunSpec],
    folder: Path,
    make_executor: Callable[[], Executor],
    watcher: Watcher,
) -> None:
    """Run every spec that is not yet in `folder`; failed runs are tried again.

    Raises
    ------
    InputError
        If the folder is not writable.
    Interrupted
        After Ctrl-C.
    """
    store = RunStore(folder)
    store.open()
    shutil.copy(study.path, folder / "study.toml")
    write_atomically(folder / "plan.json", json.dumps(plan_as_data(specs), indent=1))
    missing = sorted((spec for spec in specs if not store.has(spec.run_id)), key=_expected_length, reverse=True)
    watcher.begin(len(specs), len(specs) - len(missing))
    if not missing:
        return
    executor = make_executor()
    try:
        futures = {executor.submit(execute, spec, folder): spec for spec in missing}
        _follow(futures, store, watcher)
        executor.shutdown()
    except KeyboardInterrupt:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise Interrupted(sum(store.has(spec.run_id) for spec in specs), len(specs)) from None


def _expected_length(spec: RunSpec) -> tuple[float, bool, bool]:
    """Longest first, so that no long run is left at the end: slow rules, then spiking networks, then the others."""
    slow = rules[spec.rule].relative_time if spec.rule in rules else 0.0
    return max(slow, 1.0), spec.half == "spiking", spec.half == "rate"


def _follow(futures: dict[Future, RunSpec], store: RunStore, watcher: Watcher) -> None:
    """Report until all runs have ended. If a worker process dies, its run is recorded as failed."""
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, timeout=0.25, return_when=FIRST_COMPLETED)
        for future in ended:
            error = future.exception()
            reason = future.result()[1] if error is None else f"the worker process died ({error})"
            watcher.finished(futures[future], reason)
        for future in waiting:
            if future.running():
                _report_progress(futures[future], store, watcher)
        time.sleep(0.02)


def _report_progress(spec: RunSpec, store: RunStore, watcher: Watcher) -> None:
    with suppress(OSError, ValueError):  # not written yet, or just being replaced
        epoch, epochs, *score = (store.working / f"{spec.run_id}.progress").read_text().split()
        watcher.progress(spec, int(epoch), int(epochs), score[0] if score else "")
