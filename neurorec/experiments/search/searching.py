"""All trials of a study, trial by trial for all trainings at once, and the study with the constants that were chosen."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError, needed
from neurorec.basics.files import remove_unfinished
from neurorec.experiments.plan import Options, RunSpec
from neurorec.experiments.progress import FileChannel
from neurorec.experiments.runner import Watcher, hand_out
from neurorec.experiments.search.proposals import propose
from neurorec.experiments.search.space import Search
from neurorec.experiments.search.trial_records import SearchResults, Training, TrialRecord, best_of, scores_by_trial
from neurorec.experiments.search.trials import TrialSpec, TrialStore, execute_trial, failed_trial, trial_id
from neurorec.experiments.study import LoadedStudy
from neurorec.tasks.task import load_task
from neurorec.training import LoadedPair


@dataclass(frozen=True)
class _Asked:
    """One training to be searched, and the run of the study that shows how it is run."""

    pair: LoadedPair
    spec: RunSpec

    @property
    def training(self) -> Training:
        return self.spec.pair, self.spec.half, self.spec.rule, self.spec.task


def search_of(study: LoadedStudy, quick: bool) -> Search | None:
    """The study's search, shortened for a quick run."""
    search, limits = study.card.search, study.card.quick
    return search.quickened(limits.max_epochs, limits.max_samples) if search is not None and quick else search


def refuse_search(search: Search, specs: Sequence[RunSpec], seed: int) -> None:
    """Raises `InputError` for a task without validation data of its own."""
    for task in dict.fromkeys(spec.task for spec in specs if spec.pair and search.spans_of(spec.rule)):
        if load_task(task, seed).exhaustive:
            raise InputError(
                f"search: every split of task {task} holds all its patterns, so that choosing constants by validation would "
                "be choosing by test; give the rules on it a reason under [search.fixed]"
            )


def run_search(
    study: LoadedStudy, search: Search, specs: Sequence[RunSpec], options: Options, folder: Path,
    make_executor: Callable[[], Executor], watcher: Watcher,
) -> SearchResults:  # fmt: skip
    """Try what is not stored in `folder` yet. `specs`: the runs of the study with the card's constants."""
    store = TrialStore(folder)
    store.folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(store.folder)
    pairs = {pair.name: pair for pair in study.pairs}
    firsts = {(s.pair, s.half, s.rule, s.task): s for s in reversed(specs) if s.pair and not s.control}
    asked = [_Asked(pairs[s.pair], s) for s in reversed(firsts.values()) if search.spans_of(s.rule)]
    found: dict[Training, list[TrialRecord]] = {each.training: [] for each in asked}
    for number in range(search.trials):
        trials = [spec for each in asked for spec in _next(each, search, found[each.training], number, options)]
        missing = [spec for spec in trials if not store.has(spec, watcher)]
        if missing:
            hand_out(
                trials, missing, make_executor, watcher, store, FileChannel(store.folder), execute_trial, failed_trial
            )
        for spec in trials:
            record = needed(store.get(spec.run_id), f"{spec.title} was not stored")
            found[record.training].append(replace(record, number=number))
    rules = dict.fromkeys(each.spec.rule for each in asked)
    space = {
        rule: {name: span.model_dump(exclude_none=True) for name, span in search.spans_of(rule).items()}
        for rule in rules
    }
    return SearchResults(
        search.trials, search.epochs, search.samples, tuple(search.seeds), search.sampler, space, dict(search.fixed),
        [record for records in found.values() for record in records],
    )  # fmt: skip


def _next(
    asked: _Asked, search: Search, found: Sequence[TrialRecord], number: int, options: Options
) -> list[TrialSpec]:
    """The next trial of one training, one spec per seed."""
    spec, half = asked.spec, asked.pair.half(asked.spec.half)
    task = load_task(spec.task, search.seeds[0])
    settings_of = {record.number: record.settings for record in found}
    settings = propose(
        search.spans_of(spec.rule), [(settings_of[n], score) for n, score in scores_by_trial(found).items()],
        trials=search.trials, sampler=search.sampler, seed=search.sampler_seed, purpose=" ".join(asked.training),
        higher_is_better=task.objective.higher_is_better,
    )  # fmt: skip
    training = half.with_constants(spec.rule, spec.task, settings).training(spec.rule, spec.task)
    decides: dict[str, Any] = {
        "architecture": half.architecture.as_data(), "encoder": half.encoder.card.model_dump(),
        "training": training.model_dump(), "engine": spec.engine, "device": options.device,
        "caps": [search.epochs, search.samples],
    }  # fmt: skip
    name = f"{spec.pair}-{spec.half}-{spec.rule}-{spec.task}"
    return [
        TrialSpec(
            trial_id(name, seed, decides), spec.pair, spec.card, spec.half, spec.rule, spec.task, seed, number, settings,
            spec.engine, options.device, search.epochs, search.samples,
        )
        for seed in search.seeds
    ]  # fmt: skip


def with_chosen(study: LoadedStudy, search: SearchResults) -> LoadedStudy:
    """The study whose trainings have the best constants. A training whose trials all failed keeps those of its card."""
    pairs = {pair.name: pair for pair in study.pairs}
    for training in dict.fromkeys(record.training for record in search.records):
        best = best_of(search.of(training))
        if best is not None:
            name, half, rule, task = training
            pair = pairs[name]
            parts = pair.parts | {half: pair.half(half).with_constants(rule, task, best.settings)}
            pairs[name] = replace(pair, parts=parts)
    return replace(study, pairs=tuple(pairs.values()))
