"""Where one cost overtakes another, with the band that the costs' own bands leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurorec.hardware.chips.band import Band


@dataclass(frozen=True)
class Crossover:
    """The first place on an axis at which `one` exceeds `other`; None: nowhere on it.

    at : by the values. earliest : where the bands leave it possible. latest : where they leave no doubt.
    """

    at: float | None
    earliest: float | None
    latest: float | None
    first: float  #: where the axis begins: a crossover there means "everywhere"
    last: float


def find_crossover(
    axis: Sequence[float], one: Callable[[float], Band | None], other: Callable[[float], Band | None]
) -> Crossover | None:
    """Walk along `axis` (ascending); places where a cost is None are skipped. None if no place has both."""
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
