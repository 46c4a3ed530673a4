"""Training studies: prepared from a card, run as far as runs are missing, and measured run by run."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError, needed
from neurorec.basics.plain import to_plain
from neurorec.basics.quantities import plural
from neurorec.experiments.analyses.analysis_record import measure_analysis
from neurorec.experiments.analyses.analysis_runs import run_analyses
from neurorec.experiments.analyses.of_trainings import plan_of_trainings, refuse_analyses
from neurorec.experiments.cluster import EventChannel, connect
from neurorec.experiments.collect import collect
from neurorec.experiments.dask_client import Place, parse_place
from neurorec.experiments.findings import Baseline, Measured
from neurorec.experiments.folder import held, open_folder
from neurorec.experiments.kind import Asked, Prepared, StudyKind, study_kinds, with_findings
from neurorec.experiments.plan import Options, RunSpec, plan_runs
from neurorec.experiments.progress import Channel
from neurorec.experiments.results import OTHER_ROUNDING, RunRecord, StudyResults, scores_of
from neurorec.experiments.runner import Watcher, processes, run_missing
from neurorec.experiments.search.searching import refuse_search, run_search, search_of, with_chosen
from neurorec.experiments.store import RunStore
from neurorec.experiments.study import LoadedStudy, TrainingFinding, load_study
from neurorec.experiments.workers import LastingExecutor
from neurorec.tasks.task import load_task


@dataclass(frozen=True)
class PreparedStudy(Prepared):
    """A checked study with its plan; nothing has run."""

    study: LoadedStudy
    specs: list[RunSpec]
    jobs: int
    options: Options
    place: Place | None = None  #: the cluster, if the runs are not to run in processes of this machine

    @property
    def plan(self) -> list[str]:
        trainings = [spec for spec in self.specs if spec.pair and not spec.control]
        controls = sum(bool(spec.pair and spec.control) for spec in self.specs)
        baselines = sum(not spec.pair for spec in self.specs)
        seeds = len({spec.seed for spec in trainings})
        counted = [f"{plural(len(trainings) // max(1, seeds), 'training')} x {plural(seeds, 'seed')}"]
        counted += [plural(n, name) for n, name in ((controls, "control"), (baselines, "baseline")) if n]
        engines = sorted(
            {f"{spec.engine} for {spec.pair} ({spec.half})" for spec in self.specs if spec.engine not in ("", "torch")}
        )
        return [
            f"{' + '.join(counted)} = {plural(len(self.specs), 'run')}, {self._where}"
            + ("; quick: a smoke test, not a result" if self.quick else ""),
            *([self._search_plan] if self.study.card.search is not None else []),
            f"engines: {', '.join(engines)}; torch for the rest" if engines else "engine: torch",
        ]

    @property
    def _search_plan(self) -> str:
        search = needed(search_of(self.study, self.quick), "the study has no search")
        trained = {
            (spec.pair, spec.half, spec.rule, spec.task)
            for spec in self.specs
            if spec.pair and search.spans_of(spec.rule)
        }
        seeds = f" on {plural(len(search.seeds), 'seed')} each" if len(search.seeds) > 1 else ""
        return (
            f"first, a search for constants on validation data: {plural(search.trials, 'trial')}{seeds} for each of "
            f"{plural(len(trained), 'training')}"
        )

    @property
    def _where(self) -> str:
        if self.place is None:
            return f"{self.jobs} in parallel"
        return f"on {f'{self.place} Dask workers' if isinstance(self.place, int) else self.place}"


def prepare_study(
    name: str | Path, *, quick: bool = False, seeds: int | None = None, jobs: int | None = None, device: str = "auto",
    engine: str = "auto", out: Path | None = None, cluster: str | None = None,
) -> PreparedStudy:  # fmt: skip
    """Load and check everything a study needs.

    Raises
    ------
    InputError, CannotRun
        For anything that cannot work; nothing was started.
    """
    study = load_study(name)
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: must be at least 1")
    if jobs is not None and cluster:
        raise InputError(
            f"--jobs {jobs}: the workers of --cluster {cluster} decide how many run in parallel; omit --jobs"
        )
    place = parse_place(cluster) if cluster is not None else None
    options = Options.of(study, quick=quick, seeds=seeds, engine=engine, device=device)
    specs = plan_runs(study, options)
    if (search := search_of(study, quick)) is not None:
        refuse_search(search, specs, options.seeds[0])
    refuse_analyses(study.card.analysis, study.pairs, specs[0].seed)
    folder = out or Path("runs") / (study.name + ("_quick" if quick else ""))
    said = Asked(str(name), quick, seeds=seeds, device=device.replace("auto", ""), engine=engine.replace("auto", ""))
    jobs = jobs or max(1, min(os.cpu_count() or 1, len(specs)))
    prepared = PreparedStudy(study, folder, quick, said.command, specs, jobs, options, place)
    prepared.check_folder()
    return prepared


def run_study(
    prepared: PreparedStudy,
    watcher: Watcher | None = None,
    make_executor: Callable[[], Executor] | None = None,
    channel: Channel | None = None,
) -> StudyResults:
    """Run what is missing in a prepared study and collect its results. `make_executor` may provide a cluster's executor, and
    `channel` its way of reporting progress."""
    kind = Trainings()
    with held(prepared.folder):
        return with_findings(kind, prepared, kind.run(prepared, watcher or Watcher(), make_executor, channel))


@study_kinds.register("training")
class Trainings(StudyKind):
    """Networks x tasks x rules x seeds: trained, priced and exported."""

    results = StudyResults

    def load(self, name: str | Path) -> LoadedStudy:
        return load_study(name)

    def prepare(self, asked: Asked) -> PreparedStudy:
        return prepare_study(
            asked.study, quick=asked.quick, seeds=asked.seeds, jobs=asked.jobs, device=asked.device or "auto",
            engine=asked.engine or "auto", out=asked.out, cluster=asked.cluster,
        )  # fmt: skip

    def run(
        self,
        prepared: PreparedStudy,
        watcher: Watcher,
        make_executor: Callable[[], Executor] | None = None,
        channel: Channel | None = None,
    ) -> StudyResults:
        study, folder, specs, search = prepared.study, prepared.folder, prepared.specs, None
        with LastingExecutor(partial(processes, prepared.jobs)) as workers:
            here = executor = make_executor or (lambda: workers)
            if (wanted := search_of(study, prepared.quick)) is not None:
                open_folder(folder, study.path)
                search = run_search(study, wanted, specs, prepared.options, folder, here, watcher)
                study = with_chosen(study, search)
                specs = plan_runs(study, prepared.options)
            if prepared.place is not None and make_executor is None:
                channel = events = EventChannel()
                executor = partial(connect, prepared.place, specs, events, watcher.say)
            run_missing(study, specs, folder, executor, watcher, channel)
            results = replace(collect(study, specs, folder, quick=prepared.quick), search=search)
            quick = study.card.quick if prepared.quick else None
            analysed = plan_of_trainings(study.card.analysis, specs, folder, quick)
            # workers elsewhere do not have the stored runs
            return replace(results, analyses=run_analyses(analysed, folder, here, watcher) if analysed else [])

    def restore(self, folder: Path) -> StudyResults:
        results = super().restore(folder)
        done = [run for run in results.runs if run.status == "done"]
        return replace(results, damaged=[*filter(None, (_damage(run, RunStore(folder)) for run in done))])

    def measure(self, results: StudyResults, claim: TrainingFinding) -> Measured | None:
        """The test score of one training, or its difference from another one, seed by seed; or the value of an analysis."""
        if claim.analysis:
            return measure_analysis(results.analyses, claim.analysis, claim.value, claim.at)
        own = _by_seed(results, claim.chosen())
        if not own:
            return None
        first = next(iter(own.values()))
        metric = claim.metric or first.metric
        unit, higher_is_better = load_task(claim.task, first.seed).objective.sense(metric)
        values = {seed: scores_of(run)[metric]["test"] for seed, run in own.items() if metric in scores_of(run)}
        against = None if claim.minus is None else _by_seed(results, claim.chosen() | claim.minus.chosen())
        if against is not None:
            other = {seed: scores_of(run)[metric]["test"] for seed, run in against.items() if metric in scores_of(run)}
            values = {seed: value - other[seed] for seed, value in values.items() if seed in other}
        proper = against is None and not claim.chosen()["control"]  # controls are not rerun
        rerun = _by_seed(results, claim.chosen() | {"control": OTHER_ROUNDING}) if proper else {}
        moved = [abs(scores_of(run)[metric]["test"] - values[seed]) for seed, run in rerun.items() if seed in values]
        comparable = against is None and metric == first.metric
        return Measured(
            f"{metric}, difference" if against is not None else metric, unit, higher_is_better, tuple(values.values()),
            _baseline(list(own.values())) if comparable else None, max(moved, default=None),
        )  # fmt: skip

    def fingerprint(self, results: StudyResults) -> Any:
        names = ("pair", "half", "control", "rule", "task", "seed", "train_score", "validation_score", "test_score",
                 "extra_scores", "parameters", "spikes_per_sample", "status")  # fmt: skip
        runs = sorted(([getattr(run, name) for name in names] for run in results.runs), key=lambda row: str(row[:6]))
        tried = (
            [[*each.training, each.number, each.settings, each.score] for each in results.search.records]
            if results.search
            else []
        )
        return (
            runs
            + to_plain(tried)
            + to_plain([[each.name, each.at, each.seed, each.values] for each in results.analyses])
        )

    def seeds(self, results: StudyResults) -> tuple[int, ...]:
        return tuple(sorted({run.seed for run in results.runs}))

    def versions(self, results: StudyResults) -> Mapping[str, str]:
        return next((run.versions for run in results.runs if run.versions), {})


def _damage(run: RunRecord, store: RunStore) -> str:
    """What is wrong with the run's files, if anything."""
    try:
        store.has(run.run_id)
    except InputError as error:
        return str(error)
    return ""


def _by_seed(results: StudyResults, chosen: Mapping[str, str]) -> dict[int, RunRecord]:
    """The finished runs of one training."""
    return {
        run.seed: run for run in results.runs
        if run.status == "done" and all(getattr(run, name) == value for name, value in chosen.items())
    }  # fmt: skip


def _baseline(runs: list[RunRecord]) -> Baseline | None:
    """The best trivial baseline, its mean over the same seeds."""
    name = runs[0].baseline
    return Baseline(name, sum(run.baseline_score for run in runs) / len(runs)) if name else None
