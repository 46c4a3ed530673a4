"""One trial: how it is planned, run by a worker, and stored in one checked file."""

import functools
import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from neurorec.basics.errors import InputError
from neurorec.basics.files import file_stem
from neurorec.basics.plain import read_plain, write_plain
from neurorec.basics.plugins import plugin_digests
from neurorec.engines.llvm.processor import processor
from neurorec.experiments.execute import why_failed
from neurorec.experiments.plan import code_digest, versions
from neurorec.experiments.progress import Channel, Progress
from neurorec.experiments.runner import Watcher
from neurorec.experiments.search.trial_records import TrialRecord
from neurorec.tasks.task import Task, load_task
from neurorec.training import pair_from_text, train

FOLDER = "search"


@dataclass(frozen=True)
class TrialSpec:
    """One trial on one seed, as plain data that can be sent to another process or machine."""

    run_id: str
    pair: str
    card: str = field(repr=False)  #: text of the pair card
    half: str
    rule: str
    task: str
    seed: int
    number: int
    settings: dict[str, Any]
    engine: str
    device: str
    epochs: int
    samples: int

    @property
    def title(self) -> str:
        return f"search {self.number}: {self.pair} {self.half} {self.rule} {self.task} seed {self.seed}"


def trial_id(name: str, seed: int, decides: dict[str, Any]) -> str:
    """An id that covers everything on which the score depends: which trial asked for it does not matter."""
    everything = {"seed": seed, "versions": versions(), "code": code_digest(), "plugins": plugin_digests(), **decides}
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"{file_stem(name)}-seed{seed}-{digest[:10]}"


def execute_trial(spec: TrialSpec, channel: Channel) -> TrialRecord:
    """Train and score on validation data. A failure is a result, too."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    try:
        return _tried(spec, channel)
    except Exception as error:  # a bug in one must not affect the others
        return failed_trial(spec, why_failed(error), time.perf_counter() - start)


def _tried(spec: TrialSpec, channel: Channel) -> TrialRecord:
    half = pair_from_text(spec.card, Path(f"{spec.pair}.toml")).half(spec.half)
    half = half.with_constants(spec.rule, spec.task, spec.settings)
    run = train(
        half, _blind(spec.task, spec.seed), spec.rule, spec.seed, engine=spec.engine, device=spec.device,
        max_epochs=spec.epochs, max_samples=spec.samples,
        progress=lambda epoch, epochs, score: channel.tell(spec.run_id, Progress(epoch, epochs, score)),
    )  # fmt: skip
    return TrialRecord(
        **_named(spec), metric=run.metric, higher_is_better=run.task.objective.higher_is_better,
        score=run.scores["validation"], samples_seen=int(run.training["samples_seen"]),
        weight_updates=int(run.training["weight_updates"]), wall_s=run.wall_s, processor=processor().cpu,
    )  # fmt: skip


def failed_trial(spec: TrialSpec, reason: str, wall_s: float = 0.0) -> TrialRecord:
    return TrialRecord(**_named(spec), status="failed", reason=reason, wall_s=wall_s, processor=processor().cpu)


def _named(spec: TrialSpec) -> dict[str, Any]:
    names = ("run_id", "pair", "half", "rule", "task", "seed", "number", "settings")
    return {name: getattr(spec, name) for name in names}


@functools.lru_cache(maxsize=4)
def _blind(task: str, seed: int) -> Task:
    return load_task(task, seed).without_test()


class TrialStore:
    """The folder runs/STUDY/search: one file per trial and seed, read only if it is what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def get(self, run_id: str) -> TrialRecord | None:
        """Raises `InputError` if the file is damaged."""
        path = self.folder / f"{run_id}.json"
        remedy = "run the study again, which repeats it"
        return read_plain(TrialRecord, path, "a trial", remedy, sealed=True) if path.is_file() else None

    def has(self, spec: TrialSpec, watcher: Watcher) -> bool:
        """Whether it was tried, even if it failed; a damaged file will be written anew."""
        try:
            return self.get(spec.run_id) is not None
        except InputError as error:
            watcher.say(str(error))
            return False

    def put(self, record: TrialRecord) -> None:
        write_plain(record, self.folder / f"{record.run_id}.json", sealed=True)
