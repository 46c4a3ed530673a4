"""Trials and their outcome as plain data, for results and reports."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Training = tuple[str, str, str, str]  #: pair, half, rule, task


@dataclass(frozen=True)
class TrialRecord:
    """One trial on one seed: some constants, scored on validation data. Test data were not there."""

    run_id: str
    pair: str
    half: str
    rule: str
    task: str
    seed: int
    number: int  #: of the trial, from 0
    settings: dict[str, Any]  #: the constants that were tried
    metric: str = ""
    higher_is_better: bool = True
    score: float | None = None  #: on the validation split; None for a failed trial
    status: Literal["done", "failed"] = "done"
    reason: str = ""
    samples_seen: int = 0
    weight_updates: int = 0
    wall_s: float = 0.0
    processor: str = ""

    @property
    def training(self) -> Training:
        return self.pair, self.half, self.rule, self.task


@dataclass(frozen=True)
class Best:
    """The best trial of one training."""

    number: int
    settings: dict[str, Any]
    score: float  #: mean over seeds


@dataclass(frozen=True)
class SearchResults:
    """All trials of a study, and the budget of each training."""

    trials: int
    epochs: int
    samples: int
    seeds: tuple[int, ...]
    sampler: str
    space: dict[str, dict[str, Any]]  #: rule -> constant -> its values
    fixed: dict[str, str]  #: rules that were not searched, and why
    records: list[TrialRecord] = field(default_factory=list)

    def of(self, training: Training) -> list[TrialRecord]:
        return [record for record in self.records if record.training == training]


def scores_by_trial(records: Sequence[TrialRecord]) -> dict[int, float | None]:
    """Mean score over seeds by number of the trial; None if it failed for any."""
    found: dict[int, list[float | None]] = {}
    for record in records:
        found.setdefault(record.number, []).append(record.score)
    return {
        number: None if None in scores else statistics.fmean(score for score in scores if score is not None)
        for number, scores in sorted(found.items())
    }


def best_of(records: Sequence[TrialRecord]) -> Best | None:
    """The best trial, the first of equals; None if all failed."""
    if not records:
        return None
    scores = {number: score for number, score in scores_by_trial(records).items() if score is not None}
    if not scores:
        return None
    sign = 1 if any(record.higher_is_better for record in records if record.score is not None) else -1
    number = max(scores, key=lambda trial: sign * scores[trial])
    settings = next(record.settings for record in records if record.number == number)
    return Best(number, settings, scores[number])
