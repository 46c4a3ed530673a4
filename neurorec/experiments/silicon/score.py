"""Errors of estimates compared with measured values: one `Point` per comparison, one `Score` per set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

ROUNDING = 1e-3  #: published values have three significant digits


@dataclass(frozen=True)
class Point:
    """`fitted`: the law was fitted to it, so it tests nothing. Rivals are estimates of the same quantity."""

    device: str
    name: str
    unit: str
    measured: float
    estimate: float
    low: float
    high: float
    rival: float | None = None
    fitted: bool = False
    sanafe: float | None = None  #: counts times SANA-FE's prices, dynamic only

    @property
    def error(self) -> float:
        """Relative: estimate / measured - 1."""
        return self.estimate / self.measured - 1

    @property
    def covered(self) -> bool:
        return bool(self.low * (1 - ROUNDING) <= self.measured <= self.high * (1 + ROUNDING))


@dataclass(frozen=True)
class Score:
    """Errors of the predicted points of a set; None if there are none."""

    name: str
    rival: str
    points: list[Point]

    @property
    def predicted(self) -> list[Point]:
        return [point for point in self.points if not point.fitted]

    @property
    def mean_error(self) -> float | None:
        return float(np.mean([abs(p.error) for p in self.predicted])) if self.predicted else None

    @property
    def worst_error(self) -> float | None:
        return max((abs(p.error) for p in self.predicted), default=None)

    @property
    def worst_factor(self) -> float | None:
        return max((_factor(p.estimate, p.measured) for p in self.predicted), default=None)

    @property
    def coverage(self) -> float | None:
        return float(np.mean([p.covered for p in self.predicted])) if self.predicted else None

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's rank correlation over the predicted points; needs three."""
        return _spearman([p.estimate for p in self.predicted], [p.measured for p in self.predicted])

    @property
    def of_rival(self) -> Score:
        """The same points with the rival's estimates."""
        points = [replace(p, estimate=p.rival) for p in self.points if p.rival is not None and p.rival > 0]
        return Score(self.rival, "", points)

    @property
    def rival_factors(self) -> tuple[float, float] | None:
        """Smallest and largest rival estimate / measured, over the predicted points (all points, if every point is fitted)."""
        return _span(p.rival / p.measured for p in self.predicted or self.points if p.rival is not None)

    @property
    def sanafe_factors(self) -> tuple[float, float] | None:
        """The same for SANA-FE-style estimates."""
        return _span(p.sanafe / p.measured for p in self.predicted or self.points if p.sanafe is not None)


def _span(ratios: Iterable[float]) -> tuple[float, float] | None:
    found = list(ratios)
    return (min(found), max(found)) if found else None


def spread_band(value: float, others: np.ndarray) -> tuple[float, float]:
    """A band given by the spread of the values it was made from; a factor of 2 if there was only one."""
    apart = float(others.max() / others.min()) if len(others) > 1 else 2.0
    return value / apart, value * apart


def _factor(estimate: float, measured: float) -> float:
    return max(estimate / measured, measured / estimate)


def _spearman(one: list[float], other: list[float]) -> float | None:
    if len(one) < 3:
        return None
    from scipy.stats import spearmanr

    return float(np.asarray(spearmanr(one, other))[0])
