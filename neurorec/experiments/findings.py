"""Findings of a study: claims with our numbers, a trivial baseline and published figures. The verdict is derived.

Claims are `[[finding]]` tables of the study card; bars and published figures are data and are given only there.
"""

import hashlib
import json
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from neurorec.basics.cards import Card
from neurorec.basics.numbers import Range, Score
from neurorec.basics.plain import read_plain, to_plain

Verdict = Literal["reproduced", "met", "missed", "no bar"]


class PublishedFigure(Card):
    """A published figure and how reliably we know it; without a value if a claim compares with many figures."""

    value: Score | None = None
    source: str  #: citation key
    grade: Literal["read", "second-hand", "computed"]


class FindingCard(Card):
    """One claim of a study card; each kind of study adds the keys that select the number."""

    claim: str
    bar: Score | None = None  #: to be reached by the mean over seeds, in the metric's direction
    between: Range[Score] | None = None  #: [low, high] for the mean over seeds, instead of a bar
    published: PublishedFigure | None = None

    @model_validator(mode="after")
    def _published_needs_a_bar(self) -> "FindingCard":
        if self.bar is not None and self.between is not None:
            raise ValueError(f'"{self.claim}": give bar or between, not both')
        if self.published is not None and self.bar is None and self.between is None:
            raise ValueError(f'"{self.claim}": a published figure needs a bar: state how close to it we must be')
        return self


@dataclass(frozen=True)
class Baseline:
    """A trivial baseline: a constant answer, ridge regression on the input, one price per operation."""

    name: str
    value: float


@dataclass(frozen=True)
class Measured:
    """Our numbers for one claim, one per seed."""

    metric: str
    unit: str  #: "" for shares and other dimensionless numbers
    higher_is_better: bool
    values: tuple[float, ...]
    baseline: Baseline | None = None
    rounding: float | None = None  #: change of one seed's value with another order of summation


@dataclass(frozen=True)
class Finding(Measured):
    """One claim, with everything needed to judge it."""

    claim: str = ""
    bar: float | None = None
    published: PublishedFigure | None = None
    between: tuple[float, float] | None = None

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def meets_bar(self) -> bool | None:
        """None if there is no bar."""
        if self.between is not None:
            return self.between[0] <= self.mean <= self.between[1]
        if self.bar is None:
            return None
        return self.mean >= self.bar if self.higher_is_better else self.mean <= self.bar

    @property
    def verdict(self) -> Verdict:
        """A bar is met or missed, whether or not it is published; only a published figure can be reproduced."""
        if self.meets_bar is None:
            return "no bar"
        if not self.meets_bar:
            return "missed"
        return "met" if self.published is None else "reproduced"


@dataclass(frozen=True)
class Findings:
    """The findings of one study and what they depend on: docs/results/STUDY.json."""

    study: str
    question: str
    command: str
    machine: dict[str, str]
    versions: dict[str, str]
    seeds: tuple[int, ...]
    digest: str  #: of everything measured, without dates: equal for all runs on one type of CPU
    findings: tuple[Finding, ...]
    not_measured: tuple[str, ...] = ()  #: claims for which this run has no numbers
    remarks: tuple[str, ...] = ()  #: caveats from the study card

    @property
    def rounding(self) -> float | None:
        """The largest effect of another order of summation, over all findings that were rerun in this way."""
        return max((f.rounding for f in self.findings if f.rounding is not None), default=None)


def judge(card: FindingCard, measured: Measured) -> Finding:
    """The claim of `card` with our numbers."""
    numbers = {name: getattr(measured, name) for name in Measured.__dataclass_fields__}
    between = None if card.between is None else (card.between[0], card.between[1])
    return Finding(**numbers, claim=card.claim, bar=card.bar, published=card.published, between=between)


def digest_of(measured: Any) -> str:
    """A short digest of plain data, equal for runs with equal measurements."""
    return hashlib.sha256(json.dumps(to_plain(measured), sort_keys=True).encode()).hexdigest()[:16]


def machine() -> dict[str, str]:
    """What determines how sums round: the type of CPU and the instruction set used."""
    import torch

    return {
        "cpu": _cpu_model(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.machine()}, {platform.system()}",
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "unknown"


def read_findings(path: Path) -> Findings:
    """The findings in a file. Raises `InputError` if it is damaged or from another version."""
    return read_plain(Findings, path, "a findings file", "publish the study again (`neurorec report DIR --publish`)")
