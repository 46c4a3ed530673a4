"""Studies that compare estimates with measured silicon, without training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurorec.basics.files import write_atomically
from neurorec.basics.plain import to_plain
from neurorec.experiments.findings import Baseline, Findings, Measured, read_findings
from neurorec.experiments.folder import open_folder
from neurorec.experiments.kind import Asked, Prepared, StudyKind, study_kinds, with_findings
from neurorec.experiments.plan import versions
from neurorec.experiments.runner import Watcher
from neurorec.experiments.silicon.blind import Blind
from neurorec.experiments.silicon.checks import check_silicon
from neurorec.experiments.silicon.score import Score
from neurorec.experiments.silicon.silicon_card import LoadedValidation, SiliconFinding, load_validation


@dataclass(frozen=True)
class SiliconResults:
    """All sets with their points, caveats, and predictions that we cannot check."""

    study: str
    question: str
    folder: Path
    scores: list[Score]
    remarks: list[str]
    blind: list[Blind]
    sources: list[str]
    findings: Findings | None = None
    quick: bool = False

    @property
    def failures(self) -> list[str]:
        return []


@study_kinds.register("silicon_validation")
class SiliconChecks(StudyKind):
    """Estimates compared with measured boards, microcontrollers and neuromorphic chips."""

    results = SiliconResults
    has_quick = False

    def load(self, name: str | Path) -> LoadedValidation:
        return load_validation(name)

    def prepare(self, asked: Asked) -> Prepared:
        asked.refuse(("seeds", "jobs", "device", "engine", "cluster"), "trains nothing")
        asked.refuse(("quick",), "takes only seconds")
        study = load_validation(asked.study)
        return Prepared(study, asked.out or Path("runs") / study.name, False, asked.command)

    def run(self, prepared: Prepared, watcher: Watcher) -> SiliconResults:
        study = prepared.study
        open_folder(prepared.folder, study.path)
        checked = check_silicon(study.card)
        return SiliconResults(
            study.name, study.card.question, prepared.folder, checked.scores, checked.remarks, checked.blind,
            study.sources(),
        )  # fmt: skip

    def measure(self, results: SiliconResults, claim: SiliconFinding) -> Measured | None:
        score = next((score for score in results.scores if score.name == claim.set), None)
        value = None if score is None else getattr(score, claim.measure)
        if score is None or value is None:
            return None
        rival = getattr(score.of_rival, claim.measure) if score.of_rival.predicted else None
        baseline = None if rival is None else Baseline(score.rival, rival)
        return Measured(claim.measure.replace("_", " "), "", False, (value,), baseline)

    def fingerprint(self, results: SiliconResults) -> Any:
        return to_plain([results.scores, results.blind])

    def versions(self, results: SiliconResults) -> Mapping[str, str]:
        return versions()

    def store(self, results: SiliconResults) -> None:
        """Stores errors, not measured values, since some of the measured tables may not be redistributed."""
        write_atomically(results.folder / "results.json", errors_as_json(results))

    def restore(self, folder: Path) -> SiliconResults:
        """Computed again, in seconds, because measured values are not stored."""
        before = read_findings(folder / "findings.json")
        study = replace(load_validation(folder / "study.toml"), name=before.study)
        prepared = Prepared(study, folder, False, before.command)
        return with_findings(self, prepared, self.run(prepared, Watcher()))


def errors_as_json(results: SiliconResults) -> str:
    import json

    sets = [
        {
            "set": score.name, "predicted": len(score.predicted), "mean_error": _round(score.mean_error),
            "worst_error": _round(score.worst_error), "worst_factor": _round(score.worst_factor),
            "band_coverage": _round(score.coverage), "rank_correlation": _round(score.rank_correlation),
            "rival": score.rival, "points": [_point(point) for point in score.points],
        } for score in results.scores
    ]  # fmt: skip
    blind = [{**vars(b), "value": _round(b.value), "low": _round(b.low), "high": _round(b.high)} for b in results.blind]
    return json.dumps({"sets": sets, "blind": blind}, indent=1) + "\n"


def _point(point: Any) -> dict[str, Any]:
    rival = None if point.rival is None else _round(point.rival / point.measured)
    said = {"estimate_by_measured": _round(point.estimate / point.measured), "rival_by_measured": rival}
    return {"device": point.device, "point": point.name, "fitted": point.fitted, **said, "inside_band": point.covered}


def _round(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
