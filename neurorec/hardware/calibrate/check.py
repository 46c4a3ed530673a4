"""From metered points to a calibration: refuse what cannot be fitted, cross-validate, determine the band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.basics.errors import InputError, shown
from neurorec.basics.quantities import plural
from neurorec.hardware.calibrate.law_fit import Fit, Rows, disagreement, fit, why_not_enough
from neurorec.hardware.calibrate.measurements import Measurement

FEWEST = 3  #: with fewer points, mistakes cannot be noticed
REPEATS_AGREE = 1.5  #: repeated measurements of a network and batch may differ by this factor
LAW_FITS = 2.0  #: a point may deviate from the law by this factor
LEFT_OUT_ENOUGH = (
    3  #: number of distinct points that must be predictable from the others for their errors to be the band
)


@dataclass(frozen=True)
class Calibration:
    """Two fitted laws (time in us, energy in nJ, dynamic if idle power was metered) and their errors."""

    points: list[Measurement]
    idle_mW: float | None
    time: Fit
    energy: Fit
    left_out: dict[
        str, float
    ]  #: where -> predicted / metered total energy, by the law fitted without that network and batch
    band_factor: float
    band_from: str

    def time_us(self, operations: float, batch: int) -> float:
        return self.time.at(operations, batch)

    def dynamic_uJ(self, operations: float, batch: int) -> float | None:
        return None if self.idle_mW is None else self.energy.at(operations, batch) * 1e-3

    def total_uJ(self, operations: float, batch: int) -> float:
        return total_uJ(self.time, self.energy, self.idle_mW, operations, batch)


def total_uJ(time: Fit, energy: Fit, idle_mW: float | None, operations: float, batch: int) -> float:
    return energy.at(operations, batch) * 1e-3 + (idle_mW or 0.0) * time.at(operations, batch) * 1e-3


def calibrate(points: list[Measurement]) -> Calibration:
    """Fit and cross-validate.

    Raises
    ------
    InputError
        For too few or contradictory points, with the reason and what to do.
    """
    idle_mW = _idle(points)
    _refuse(points, idle_mW)
    try:
        with np.errstate(all="ignore"):
            return _checked(points, idle_mW)
    except (ArithmeticError, RuntimeError, ValueError) as error:  # numbers overflowed, or the solver gave up
        raise InputError(
            f"no law can be fitted to these points ({shown(str(error), 200)}); check their units"
        ) from None


def _checked(points: list[Measurement], idle_mW: float | None) -> Calibration:
    time, energy = _fit_both(points, idle_mW)
    off = {p.where: total_uJ(time, energy, idle_mW, p.operations, p.batch) / p.energy_uJ for p in points}
    worst = max(off, key=lambda where: abs(np.log(off[where])))
    if not 1 / LAW_FITS <= off[worst] <= LAW_FITS:
        raise InputError(
            f"{worst}: contradicts the others: the best law gives {off[worst]:.2g} times its energy; meter it again, or "
            "calibrate networks of different kinds as two boards"
        )
    left_out = _leave_one_out(points, idle_mW)
    factor, said = _band(points, idle_mW, (time, energy), off, left_out)
    return Calibration(points, idle_mW, time, energy, left_out, factor, said)


def rows_of(points: list[Measurement], idle_mW: float | None) -> tuple[Rows, Rows]:
    """The data to fit: times in us, energies in nJ."""
    M, B = np.array([p.operations for p in points]), np.array([float(p.batch) for p in points])
    energies = np.array([p.energy_uJ if idle_mW is None else p.energy_uJ - idle_mW * p.time_us * 1e-3 for p in points])
    return Rows(M, B, np.array([p.time_us for p in points])), Rows(M, B, energies * 1e3)


def _fit_both(points: list[Measurement], idle_mW: float | None) -> tuple[Fit, Fit]:
    times, energies = rows_of(points, idle_mW)
    return fit(times), fit(energies)


def _idle(points: list[Measurement]) -> float | None:
    """One idle power for the board: the mean, if every row has one."""
    stated = [p.idle_mW for p in points if p.idle_mW is not None]
    if not stated:
        return None
    missing = next((p for p in points if p.idle_mW is None), None)
    if missing is not None:
        raise InputError(
            f"{missing.where}: idle power is missing in this row but given in others; give it in every row or in none"
        )
    if max(stated) > 1.2 * min(stated):
        raise InputError(
            f"idle power differs between rows ({min(stated):g} to {max(stated):g} mW), but a board has one; meter it again, or "
            "calibrate its states (before a run, after a run) as two boards"
        )
    return float(np.mean(stated))


def _refuse(points: list[Measurement], idle_mW: float | None) -> None:
    if len(points) < FEWEST:
        raise InputError(
            f"{plural(len(points), 'metered point')} given; at least {FEWEST} are needed (a small and a large network at "
            "batch 1, and one more to detect mistakes)"
        )
    reason = why_not_enough(rows_of(points, None)[0])
    if reason is not None:
        raise InputError(f"too few different points: {reason}")
    for p in points:
        if idle_mW is not None and p.energy_uJ <= idle_mW * p.time_us * 1e-3:
            raise InputError(
                f"{p.where}: {p.energy_uJ:g} uJ in {p.time_us:g} us is {p.energy_uJ / p.time_us * 1e3:.4g} mW, which does not "
                f"exceed the idle power of {idle_mW:.4g} mW; check the units of the columns"
            )
    for one in points:
        for other in points:
            _refuse_pair(one, other)


def _refuse_pair(one: Measurement, other: Measurement) -> None:
    if one.batch != other.batch:
        return
    if one.operations == other.operations and one.energy_uJ > REPEATS_AGREE * other.energy_uJ:
        raise InputError(
            f"{one.where} and {other.where} contradict each other: the same network and batch took {one.energy_uJ:g} and "
            f"{other.energy_uJ:g} uJ; keep the right one, or meter again"
        )
    if one.operations < other.operations and one.energy_uJ > REPEATS_AGREE * other.energy_uJ:
        raise InputError(
            f"{one.where} and {other.where} contradict each other: the network with fewer operations took more energy "
            f"({one.energy_uJ:g} compared with {other.energy_uJ:g} uJ) at the same batch; check operations and units"
        )


def _leave_one_out(points: list[Measurement], idle_mW: float | None) -> dict[str, float]:
    """Predicted / metered total energy of every network and batch that the others can predict.

    A batch size is left out only if two others remain, and a network only if two others remain.
    """
    found = {}
    for p in points:
        rest = [q for q in points if (q.operations, q.batch) != (p.operations, p.batch)]
        if len(rest) < 2 or why_not_enough(rows_of(rest, None)[0]) is not None:
            continue
        if p.batch > 1 and len({q.batch for q in rest}) == 1:
            continue  # the remaining points would contain no information about batches
        time, energy = _fit_both(rest, idle_mW)
        found[p.where] = total_uJ(time, energy, idle_mW, p.operations, p.batch) / p.energy_uJ
    return found


def _band(
    points: list[Measurement],
    idle_mW: float | None,
    fits: tuple[Fit, Fit],
    off: dict[str, float],
    left: dict[str, float],
) -> tuple[float, str]:
    """The factor of the band and its origin."""

    def spread(ratios: dict[str, float]) -> float:
        return max((float(np.exp(abs(np.log(ratio)))) for ratio in ratios.values()), default=1.0)

    distinct = {(p.operations, p.batch) for p in points if p.where in left}
    if len(distinct) >= LEFT_OUT_ENOUGH:
        return max(spread(left), spread(off)), f"worst of {len(distinct)} networks and batches, each left out once"
    between = max(disagreement(found, rows) for found, rows in zip(fits, rows_of(points, idle_mW), strict=True))
    said = (
        "only end points were metered, so none can be left out: the largest factor between a straight line and a power law "
        "through them"
    )
    return max(between, spread(off)), said
