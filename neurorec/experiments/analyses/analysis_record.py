"""The record of one analysis, and what claims take from many."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from neurorec.analysis.analysis import Value
from neurorec.analysis.found import AnyFigure
from neurorec.experiments.findings import Baseline, Measured


@dataclass(frozen=True)
class AnalysisRecord:
    """What one analysis found, or why it failed."""

    run_id: str
    name: str
    of: str
    about: str
    on: str
    settings: dict[str, Any]
    at: dict[str, Any]
    seed: int
    gives: dict[str, Value]
    values: dict[str, float] = field(default_factory=dict)
    figures: tuple[AnyFigure, ...] = ()
    baselines: dict[str, tuple[str, float]] = field(default_factory=dict)
    status: Literal["done", "failed"] = "done"
    reason: str = ""
    wall_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    processor: str = ""


def measure_analysis(records: Iterable[AnalysisRecord], name: str, value: str, at: dict[str, Any]) -> Measured | None:
    """The value of an analysis over all seeds; None if nothing was measured."""
    found = [each for each in records if (each.name, each.at, each.status) == (name, at, "done")]
    known = [
        (each.values[value], each.baselines.get(value)) for each in found if each.values[value] == each.values[value]
    ]
    if not known:
        return None
    trivial = [baseline for _, baseline in known if baseline is not None]
    baseline = Baseline(trivial[0][0], sum(number for _, number in trivial) / len(trivial)) if trivial else None
    given = found[0].gives[value]
    swept = "".join(f", {key} {each}" for key, each in at.items())
    return Measured(
        value + swept, given.unit, given.higher_is_better is not False, tuple(number for number, _ in known), baseline
    )


def failure_lines(records: Iterable[AnalysisRecord]) -> list[str]:
    """One line per failed analysis."""
    return [f"{title_of(each)}: {each.reason}" for each in records if each.status == "failed"]


def title_of(one: Any) -> str:
    """One line for display, of a spec or a record."""
    swept = "".join(f", {key} {value}" for key, value in one.at.items())
    return f"{one.name}{f' of {one.on}' if one.on else ''}{swept}, seed {one.seed}"
