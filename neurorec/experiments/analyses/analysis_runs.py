"""Planned analyses, how a worker computes one, and how results are stored: one checked file per analysis, point and seed."""

import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import neurorec.training  # noqa: F401  (registers all members, including those of plugins)
from neurorec.analysis.analysis import analyse, analyse_network, analyses
from neurorec.analysis.found import Found
from neurorec.basics.errors import InputError
from neurorec.basics.files import file_stem, remove_unfinished
from neurorec.basics.plain import read_plain, write_plain
from neurorec.basics.plugins import plugin_digests
from neurorec.engines.llvm.processor import processor
from neurorec.experiments.analyses.analysis_card import AnalysisCard
from neurorec.experiments.analyses.analysis_record import AnalysisRecord, title_of
from neurorec.experiments.execute import loaded, why_failed
from neurorec.experiments.plan import CODE_THAT_DECIDES, source_digest, versions
from neurorec.experiments.progress import Channel, FileChannel
from neurorec.experiments.runner import Watcher, hand_out

FOLDER = "analyses"


@dataclass(frozen=True)
class AnalysisSpec:
    """One analysis with all its settings and a seed, as plain data."""

    run_id: str
    name: str
    of: str
    settings: dict[str, Any]
    at: dict[str, Any]  #: those of the settings that are swept
    seed: int
    trained: Path | None = None  #: the folder of the run that is analysed
    on: str = ""  #: what was trained, in words

    @property
    def title(self) -> str:
        return title_of(self)


def plan_analyses(cards: Iterable[AnalysisCard], seeds: Sequence[int]) -> list[AnalysisSpec]:
    return [plan_one(card, point, seed) for card in cards for point in card.points() for seed in seeds]


def plan_one(
    card: AnalysisCard, point: dict[str, Any], seed: int, trained: Path | None = None, on: str = ""
) -> AnalysisSpec:
    """The spec, with an id that covers everything on which the result depends."""
    settings = analyses[card.of].settings({**card.settings, **point}).model_dump()
    decides = {
        "of": card.of, "settings": settings, "seed": seed, "trained": trained.name if trained else "",
        "versions": versions(), "code": _code(), "plugins": plugin_digests(),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    run_id = f"{file_stem(card.called)}-seed{seed}-{digest[:10]}"
    return AnalysisSpec(run_id, card.called, card.of, settings, point, seed, trained, on)


@functools.cache
def _code() -> str:
    return source_digest((*CODE_THAT_DECIDES, "analysis"))


def execute_analysis(spec: AnalysisSpec, channel: Channel) -> AnalysisRecord:
    """Compute one analysis. A failure is a result, too."""
    start = time.perf_counter()
    try:
        found = _found(spec)
    except Exception as error:  # a bug in one must not affect the others
        return failed_analysis(spec, why_failed(error), time.perf_counter() - start)
    return replace(
        _blank(spec), values=found.values, figures=found.figures, baselines=found.baselines,
        wall_s=time.perf_counter() - start,
    )  # fmt: skip


def failed_analysis(spec: AnalysisSpec, reason: str, wall_s: float = 0.0) -> AnalysisRecord:
    return replace(_blank(spec), status="failed", reason=reason, wall_s=wall_s)


def _found(spec: AnalysisSpec) -> Found:
    if spec.trained is None:
        return analyse(spec.of, spec.settings, spec.seed)
    from neurorec.experiments.collect import rebuild_network, stored_half
    from neurorec.experiments.store import read_run
    from neurorec.tasks.encoded_task import EncodedTask

    record = read_run(spec.trained)
    network = rebuild_network(record, spec.trained)
    task = EncodedTask(loaded(record.task, record.seed), stored_half(record, spec.trained).encoder, record.seed)
    return analyse_network(spec.of, network, task, spec.settings, spec.seed)


def _blank(spec: AnalysisSpec) -> AnalysisRecord:
    member = analyses[spec.of]
    return AnalysisRecord(
        spec.run_id, spec.name, spec.of, member.about, spec.on, spec.settings, spec.at, spec.seed, dict(member.gives),
        versions=versions(), processor=processor().cpu,
    )  # fmt: skip


class AnalysisStore:
    """The folder runs/STUDY/analyses: a file per analysis, point and seed, read only if it is what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER

    def get(self, run_id: str) -> AnalysisRecord | None:
        """Raises `InputError` if the file is damaged."""
        path = self.folder / f"{run_id}.json"
        remedy = "run the study again, which repeats it"
        return read_plain(AnalysisRecord, path, "an analysis", remedy, sealed=True) if path.is_file() else None

    def has(self, spec: AnalysisSpec, watcher: Watcher) -> bool:
        """Whether it is done; a damaged file will be written anew."""
        try:
            record = self.get(spec.run_id)
        except InputError as error:
            watcher.say(str(error))
            return False
        return record is not None and record.status == "done"

    def put(self, record: AnalysisRecord) -> None:
        write_plain(record, self.folder / f"{record.run_id}.json", sealed=True)


def run_analyses(
    specs: Sequence[AnalysisSpec], folder: Path, make_executor: Callable[[], Executor], watcher: Watcher
) -> list[AnalysisRecord]:
    """Compute what is not yet stored in `folder`; returns all records, in the order of `specs`."""
    store = AnalysisStore(folder)
    store.folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(store.folder)
    missing = [spec for spec in specs if not store.has(spec, watcher)]
    hand_out(
        specs, missing, make_executor, watcher, store, FileChannel(store.folder), execute_analysis, failed_analysis
    )
    return [record for spec in specs if (record := store.get(spec.run_id)) is not None]
