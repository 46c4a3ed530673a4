"""What Dask costs per run: `python -m benchmarks.cluster_overhead [RUNS ...]` writes results/cluster_overhead.json.

The runs of a tiny study go through the whole path: plan, scheduler, two workers in processes of their own, store, collection of
results, report. Only training is replaced: a worker trains each network once, and for other seeds returns that result with
another seed, so that nearly all of the time is overhead.
"""

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import distributed
import psutil
import torch
from distributed import Client
from distributed.deploy.subprocess import SubprocessCluster

from neurorec.experiments import runner
from neurorec.experiments.cluster import EventChannel, connect
from neurorec.experiments.execute import execute
from neurorec.experiments.findings import machine
from neurorec.experiments.finished import RECORD, Finished
from neurorec.experiments.kind import with_findings
from neurorec.experiments.kinds.trainings import Trainings, prepare_study
from neurorec.experiments.plan import RunSpec, versions
from neurorec.experiments.progress import Channel
from neurorec.experiments.runner import Watcher, processes, run_missing
from neurorec.report.studies import write_report
from tests.experiments.tiny import PAIR, TRAINING

TARGET = Path(__file__).parent / "results" / "cluster_overhead.json"
STUDY = """
about = "a study for the overhead of a cluster"
question = "What does Dask cost per run?"
pairs = ["tiny"]
chips = ["cortex_m4"]
report_chip = "cortex_m4"
seeds = [0]
controls = []
[quick]
seeds = [0]
max_epochs = 1
max_samples = 32
"""
WORKERS = 2
WARM_UP = 20  #: runs in which workers import what they need; not reported
_trained: dict[str, Finished] = {}  #: by half


def tiny_pair() -> str:
    trainings = {
        f"{half}_training": TRAINING.format(half=half, task="store_recall", epochs=1, learning_rate=0.003)
        for half in ("rate", "spiking")
    }
    return PAIR.format(input_gain=6.0, **trainings)


def again(spec: RunSpec, channel: Channel) -> Finished:
    """`execute`, which trains only once per network and worker."""
    if spec.half not in _trained:
        _trained[spec.half] = execute(spec, channel)
    once = _trained[spec.half]
    record = json.loads(once.files[RECORD]) | {"run_id": spec.run_id, "seed": spec.seed}
    return replace(once, run_id=spec.run_id, files=once.files | {RECORD: json.dumps(record, indent=1).encode()})


class Highest(Thread):
    """The highest resident memory of a process, in MB, until the block ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.over, self.MB = psutil.Process(pid), Event(), 0.0

    def run(self) -> None:
        while not self.over.wait(0.2):
            self.MB = max(self.MB, self.process.memory_info().rss / 1e6)

    def __enter__(self) -> "Highest":
        self.MB = self.process.memory_info().rss / 1e6
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.over.set()
        self.join()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), round(time.perf_counter() - start, 2)


def measure(folder: Path, runs: int, place: str, scheduler: int) -> dict[str, Any]:
    """One study of so many runs at the scheduler `place`, which is the process `scheduler`."""
    (folder / "tiny.toml").write_text(tiny_pair())
    (folder / "study.toml").write_text(STUDY)
    out = folder / f"out{runs}"
    prepared, plan_s = timed(lambda: prepare_study(folder / "study.toml", seeds=runs // 2, out=out, cluster=place))
    before_MB = psutil.Process(scheduler).memory_info().rss / 1e6
    events = EventChannel()
    executor = partial(connect, prepared.place, prepared.specs, events, print)
    with Highest(scheduler) as theirs, Highest(os.getpid()) as ours:
        _, run_s = timed(lambda: run_missing(prepared.study, prepared.specs, out, executor, Watcher(), events))
    _, resume_s = timed(lambda: run_missing(prepared.study, prepared.specs, out, executor, Watcher(), events))
    kind = Trainings()
    beside = folder / f"beside{runs}"
    pool = partial(processes, WORKERS)
    _, pool_s = timed(lambda: run_missing(prepared.study, prepared.specs, beside, pool, Watcher()))
    results, collect_s = timed(lambda: with_findings(kind, prepared, kind.run(prepared, Watcher())))
    kind.store(results)
    _, report_s = timed(lambda: write_report(kind.restore(out)))
    size = sum(path.stat().st_size for path in (out / "done").rglob("*") if path.is_file())
    return {
        "runs": len(results.runs), "plan_s": plan_s, "run_s": run_s, "ms_per_run": round(1e3 * run_s / runs, 2),
        "ms_per_run_without_dask": round(1e3 * pool_s / runs, 2),
        "bytes_per_run": round(size / runs), "scheduler_before_MB": round(before_MB), "scheduler_highest_MB": round(theirs.MB),
        "client_highest_MB": round(ours.MB), "resume_with_nothing_missing_s": resume_s,
        "collect_s": collect_s, "report_s": report_s,
    }  # fmt: skip


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command line does
    torch.set_num_threads(1)
    sizes = [int(text) for text in sys.argv[1:]] or [1000, 10_000]
    # by its name and not in __main__, which Dask would send by value with each run
    runner.execute = importlib.import_module("benchmarks.cluster_overhead").again
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        SubprocessCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        scheduler = client.run_on_scheduler(os.getpid)
        client.wait_for_workers(WORKERS)
        measure(Path(folder), WARM_UP, cluster.scheduler_address, scheduler)
        for runs in sizes:
            found.append(measure(Path(folder), runs, cluster.scheduler_address, scheduler))
            print(json.dumps(found[-1]), flush=True)
    load = f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    data = {"machine": machine(), "versions": versions() | {"distributed": distributed.__version__}, "workers": WORKERS,
            "load_5_min": load, "measured": found}  # fmt: skip
    TARGET.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
