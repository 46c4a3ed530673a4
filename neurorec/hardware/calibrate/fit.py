"""Fitting the law of `hardware/law.py` to a few metered numbers (times, or energies).

Its three terms are found by non-negative least squares on relative errors. The exponent of sharing cannot be told from
two batch sizes: a straight line through them (a = 1) and a pure power law (each = 0) pass through both points and
disagree between them, so a lies midway and the disagreement goes into the band. From three batch sizes on it is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from neurorec.hardware.law import per_inference

SHARING_TRIED = np.linspace(0.3, 1.0, 71)


@dataclass(frozen=True)
class Fit:
    """The terms in the unit of what was fitted (a term per operation: that unit an operation)."""

    call: float
    shared: float
    each: float
    sharing: float
    between: tuple[float, float]

    def at(self, operations: float, batch: int) -> float:
        return per_inference(self.call, self.shared, self.each, self.sharing, operations, batch)


@dataclass(frozen=True)
class Rows:
    """M operations, batch B and the value metered, each [points]."""

    operations: np.ndarray
    batch: np.ndarray
    value: np.ndarray

    def without(self, left_out: np.ndarray) -> Rows:
        return Rows(self.operations[~left_out], self.batch[~left_out], self.value[~left_out])


def why_not_enough(rows: Rows) -> str | None:
    """What these points cannot tell, or None if every term of the law can be found from them."""
    sizes, batches = np.unique(rows.operations), np.unique(rows.batch)
    if len(sizes) < 2:
        return (
            "all points have the same number of operations, so the price of an operation cannot be told; meter two nets"
        )
    if not any(len(np.unique(rows.operations[rows.batch == batch])) > 1 for batch in batches):
        return (
            "no batch size was metered with two nets, so size and batch cannot be told apart; meter two nets at batch 1"
        )
    if len(batches) > 1 and not any(len(np.unique(rows.batch[rows.operations == size])) > 1 for size in sizes):
        return "no net was metered at two batch sizes, so size and batch cannot be told apart; meter one net at both"
    return None


def fit(rows: Rows) -> Fit:
    """The law through `rows`, which must be enough."""
    if len(np.unique(rows.batch)) == 1:
        return _solve(rows, 1.0, (1.0, 1.0))
    low = _power_law(rows)
    if len(np.unique(rows.batch)) == 2:
        return _solve(rows, (low + 1) / 2, (low, 1.0))
    tried = [_solve(rows, float(sharing), (float(sharing), float(sharing))) for sharing in SHARING_TRIED]
    return min(tried, key=lambda found: _squared_error(found, rows))


def _solve(rows: Rows, sharing: float, between: tuple[float, float]) -> Fit:
    M, share = rows.operations, rows.batch**-sharing
    columns = [share, M * share, M] if len(np.unique(rows.batch)) > 1 else [share, M]
    table = np.stack(columns, axis=1) / rows.value[:, None]
    scale = np.abs(table).max(axis=0)
    found = nnls(table / scale, np.ones(len(rows.value)))[0] / scale
    call, each = float(found[0]), float(found[-1])
    return Fit(call, float(found[1]) if len(columns) == 3 else 0.0, each, sharing, between)


def _power_law(rows: Rows) -> float:
    """Exponent of the power law through the smallest and largest batch of the nets metered at both; in [0.05, 1]."""
    slopes = []
    for size in np.unique(rows.operations):
        of_size = rows.operations == size
        batches = np.unique(rows.batch[of_size])
        if len(batches) > 1:
            first, last = (float(rows.value[of_size & (rows.batch == b)].mean()) for b in (batches[0], batches[-1]))
            slopes.append(np.log(first / last) / np.log(batches[-1] / batches[0]))
    return float(np.clip(np.mean(slopes), 0.05, 1.0))


def _squared_error(found: Fit, rows: Rows) -> float:
    predicted = np.array([found.at(M, B) for M, B in zip(rows.operations, rows.batch, strict=True)])
    return float(np.square(predicted / rows.value - 1).sum())


def disagreement(found: Fit, rows: Rows) -> float:
    """Largest factor between the laws that pass through the same ends: straight line against power law.

    Along size (at the smallest batch) and along batch (for the smallest net). With only the ends metered this is all that
    is known about what lies between.
    """
    M = np.geomspace(rows.operations.min(), rows.operations.max(), 41)
    first = int(rows.batch.min())
    line = np.array([found.at(m, first) for m in M])
    power = line[0] * (M / M[0]) ** (np.log(line[-1] / line[0]) / np.log(M[-1] / M[0]))
    worst = float(np.max(np.maximum(line / power, power / line)))
    if len(np.unique(rows.batch)) > 1:
        B = np.geomspace(first, rows.batch.max(), 41)
        ends = [found.at(M[0], int(b)) for b in (B[0], B[-1])]
        slope, shares = np.log(ends[1] / ends[0]) / np.log(B[-1] / B[0]), B[0] / B
        straight = ends[1] + (ends[0] - ends[1]) * (shares - shares[-1]) / (1 - shares[-1])
        bent = ends[0] * (B / B[0]) ** slope
        worst = max(worst, float(np.max(np.maximum(straight / bent, bent / straight))))
    return worst
