"""Fitting the law of `hardware/chips/batch_law.py` to a few metered numbers (times, or energies).

Its three terms are fitted by non-negative least squares on relative errors. Its two exponents cannot be determined from two
sizes or two batch sizes: a straight line (exponent 1) and a pure power law both pass through the two points and disagree in
between. Each exponent is therefore set midway, on every board, which minimises the largest possible error; the disagreement is
included in the band. With at least three sizes (or batch sizes), the exponent is fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import nnls

from neurorec.hardware.chips.batch_law import Bend, per_inference

TRIED = np.linspace(0.3, 1.0, 36)


@dataclass(frozen=True)
class Fit:
    """The terms in the fitted unit (for a term per operation: that unit per operation)."""

    call: float
    shared: float
    each: float
    bend: Bend
    sharing_between: tuple[float, float]
    growth_between: tuple[float, float]

    def at(self, operations: float, batch: float) -> float:
        return per_inference(self.call, self.shared, self.each, self.bend, operations, batch)


@dataclass(frozen=True)
class Rows:
    """M operations, batch B and the metered value, each [points]."""

    operations: np.ndarray
    batch: np.ndarray
    value: np.ndarray

    def without(self, left_out: np.ndarray) -> Rows:
        return Rows(self.operations[~left_out], self.batch[~left_out], self.value[~left_out])


def why_not_enough(rows: Rows) -> str | None:
    """What these points cannot determine, or None if they determine every term of the law."""
    sizes, batches = np.unique(rows.operations), np.unique(rows.batch)
    if len(sizes) < 2:
        return "all points have the same number of operations, which does not give a price per operation; meter two networks"
    if not any(len(np.unique(rows.operations[rows.batch == batch])) > 1 for batch in batches):
        return (
            "no batch size was metered with two networks, so size and batch cannot be separated; meter two at batch 1"
        )
    if len(batches) > 1 and not any(len(np.unique(rows.batch[rows.operations == size])) > 1 for size in sizes):
        return "no network was metered at two batch sizes, so size and batch cannot be separated; meter one network at both"
    return None


def fit(rows: Rows) -> Fit:
    """The law fitted to `rows`, which must be sufficient."""
    sharing, growth = _range(rows, along="batch"), _range(rows, along="operations")
    tried = [_solve(rows, a, k, sharing, growth) for a in _candidates(sharing) for k in _candidates(growth)]
    return min(tried, key=lambda found: _squared_error(found, rows))


@dataclass(frozen=True)
class Exponent:
    """Range of the exponent from that of the power law to 1; `fitted` if there are points between the ends."""

    power_law: float
    fitted: bool


def _range(rows: Rows, along: Literal["batch", "operations"]) -> Exponent:
    """Exponent of the power law through the ends of `along`, averaged over what was metered at both; in [0.05, 1]."""
    moved, held = getattr(rows, along), rows.operations if along == "batch" else rows.batch
    if len(np.unique(moved)) == 1:
        return Exponent(1.0, False)
    slopes = []
    for value in np.unique(held):
        here = held == value
        ends = np.unique(moved[here])
        if len(ends) > 1:
            first, last = (float(rows.value[here & (moved == end)].mean()) for end in (ends[0], ends[-1]))
            slopes.append(abs(np.log(last / first) / np.log(ends[-1] / ends[0])))
    return Exponent(float(np.clip(np.mean(slopes), 0.05, 1.0)), len(np.unique(moved)) > 2)


def _candidates(exponent: Exponent) -> list[float]:
    return TRIED.tolist() if exponent.fitted else [(exponent.power_law + 1) / 2]


def _between(exponent: Exponent, chosen: float) -> tuple[float, float]:
    return (chosen, chosen) if exponent.fitted else (exponent.power_law, 1.0)


def _solve(rows: Rows, a: float, k: float, sharing: Exponent, growth: Exponent) -> Fit:
    bend = Bend(a, k, float(rows.operations.min()))
    work, share = bend.work(rows.operations), rows.batch**-a
    columns = [share, work * share, work] if len(np.unique(rows.batch)) > 1 else [share, work]
    table = np.stack(columns, axis=1) / rows.value[:, None]
    scale = np.abs(table).max(axis=0)
    found = nnls(table / scale, np.ones(len(rows.value)))[0] / scale
    call, each = float(found[0]), float(found[-1])
    shared = float(found[1]) if len(columns) == 3 else 0.0
    return Fit(call, shared, each, bend, _between(sharing, a), _between(growth, k))


def _squared_error(found: Fit, rows: Rows) -> float:
    predicted = np.array([found.at(M, B) for M, B in zip(rows.operations, rows.batch, strict=True)])
    return float(np.square(predicted / rows.value - 1).sum())


def disagreement(found: Fit, rows: Rows) -> float:
    """Largest factor between a straight line and a power law through the same end points.

    Along size (at the smallest batch) and along batch (for the smallest network). If only end points were metered, nothing
    more is known about the points between.
    """
    sizes, batches = (rows.operations.min(), rows.operations.max()), (rows.batch.min(), rows.batch.max())
    worst = _apart(sizes, [found.at(size, batches[0]) for size in sizes], line=lambda size: size)
    if batches[1] > batches[0]:
        ends = [found.at(sizes[0], batch) for batch in batches]
        worst = max(worst, _apart(batches, ends, line=lambda batch: 1 / batch))
    return worst


def _apart(between: tuple[float, float], ends: list[float], line: Callable[[np.ndarray], np.ndarray]) -> float:
    """Largest ratio of the law that is linear in `line(x)` to the power law, both through the two end points."""
    x = np.geomspace(*between, 41)
    part = (line(x) - line(x[0])) / (line(x[-1]) - line(x[0]))
    straight = ends[0] + (ends[1] - ends[0]) * part
    bent = ends[0] * (x / x[0]) ** (np.log(ends[1] / ends[0]) / np.log(x[-1] / x[0]))
    return float(np.max(np.maximum(straight / bent, bent / straight)))
