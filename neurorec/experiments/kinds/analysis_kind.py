"""Studies that train nothing: analyses of model systems, for several settings and seeds."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.basics.plain import to_plain
from neurorec.basics.quantities import plural
from neurorec.experiments.analyses.analysis_card import AnalysisFinding, LoadedAnalyses, load_analyses, quickened
from neurorec.experiments.analyses.analysis_record import AnalysisRecord, failure_lines, measure_analysis
from neurorec.experiments.analyses.analysis_runs import AnalysisSpec, plan_analyses, run_analyses
from neurorec.experiments.findings import Findings, Measured
from neurorec.experiments.folder import open_folder
from neurorec.experiments.kind import Asked, Prepared, StudyKind, study_kinds
from neurorec.experiments.plan import chosen_seeds, versions
from neurorec.experiments.runner import Watcher, processes


@dataclass(frozen=True)
class PreparedAnalyses(Prepared):
    """A checked study with its plan; nothing has run."""

    study: LoadedAnalyses
    specs: list[AnalysisSpec]
    jobs: int

    @property
    def plan(self) -> list[str]:
        quick = "; quick: a smoke test, not a result" if self.quick else ""
        points = len({(spec.name, str(spec.at)) for spec in self.specs})
        seeds = plural(len({spec.seed for spec in self.specs}), "seed")
        return [f"{points} {'analysis' if points == 1 else 'analyses'} x {seeds}, {self.jobs} in parallel{quick}"]


@dataclass(frozen=True)
class AnalysisResults:
    """All analyses of a study."""

    study: str
    question: str
    quick: bool
    folder: Path
    records: list[AnalysisRecord]
    sources: list[str]
    findings: Findings | None = None

    @property
    def failures(self) -> list[str]:
        return failure_lines(self.records)


@study_kinds.register("analysis")
class Analyses(StudyKind):
    """Analyses of model systems x settings x seeds."""

    results = AnalysisResults

    def load(self, name: str | Path) -> LoadedAnalyses:
        return load_analyses(name)

    def prepare(self, asked: Asked) -> PreparedAnalyses:
        asked.refuse(("device", "engine", "cluster"), "trains nothing; its analyses run on the CPU of this machine")
        if asked.jobs is not None and asked.jobs < 1:
            raise InputError(f"--jobs {asked.jobs}: must be at least 1")
        study = load_analyses(asked.study)
        card = study.card
        wanted = [quickened(each, card.quick) for each in card.analysis] if asked.quick else card.analysis
        specs = plan_analyses(wanted, chosen_seeds(card.quick.seeds if asked.quick else card.seeds, asked.seeds))
        folder = asked.out or Path("runs") / (study.name + ("_quick" if asked.quick else ""))
        jobs = asked.jobs or max(1, min(os.cpu_count() or 1, len(specs)))
        return PreparedAnalyses(study, folder, asked.quick, asked.command, specs, jobs)

    def run(self, prepared: PreparedAnalyses, watcher: Watcher) -> AnalysisResults:
        study = prepared.study
        open_folder(prepared.folder, study.path)
        records = run_analyses(prepared.specs, prepared.folder, partial(processes, prepared.jobs), watcher)
        return AnalysisResults(
            study.name, study.card.question, prepared.quick, prepared.folder, records, study.sources()
        )

    def measure(self, results: AnalysisResults, claim: AnalysisFinding) -> Measured | None:
        return measure_analysis(results.records, claim.analysis, claim.value, claim.at)

    def fingerprint(self, results: AnalysisResults) -> Any:
        return to_plain([[each.name, each.at, each.seed, each.values] for each in results.records])

    def seeds(self, results: AnalysisResults) -> tuple[int, ...]:
        return tuple(sorted({each.seed for each in results.records}))

    def versions(self, results: AnalysisResults) -> Mapping[str, str]:
        return versions()
