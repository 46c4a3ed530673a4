"""Crossover of two costs, with a band that follows from the bands of the costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurorec.hardware.chips.band import Band


@dataclass(frozen=True)
class Crossover:
    """The first position on an axis at which `one` exceeds `other`; None: nowhere on the axis.

    at : according to the values. earliest : where it is possible within the bands. latest : where it is certain.
    """

    at: float | None
    earliest: float | None
    latest: float | None
    first: float  #: start of the axis: a crossover there means "everywhere"
    last: float


def find_crossover(
    axis: Sequence[float], one: Callable[[float], Band | None], other: Callable[[float], Band | None]
) -> Crossover | None:
    """Search along `axis` (ascending), skipping positions where a cost is None. None if no position has both."""
    both = [(x, a, b) for x in axis if (a := one(x)) is not None and (b := other(x)) is not None]
    if not both:
        return None
    return Crossover(
        at=next((x for x, a, b in both if a.value > b.value), None),
        earliest=next((x for x, a, b in both if a.high > b.low), None),
        latest=next((x for x, a, b in both if a.low > b.high), None),
        first=both[0][0],
        last=both[-1][0],
    )
