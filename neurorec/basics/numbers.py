"""Types of the numbers and lists on cards: every number is finite and has a range, and a list that is a set refuses duplicates.

The ranges only exclude what nothing real needs, so that a slip of the keyboard is refused before anything is computed.
"""

from collections.abc import Hashable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

Item = TypeVar("Item", bound=Hashable)

MOST_WORKERS = 10**6  #: processes or devices that share a training


def at_least(lowest: float) -> AfterValidator:
    """After `gt=0`, so that 0 is refused in plain words: a positive number that is not so small that results overflow."""

    def check(value: float) -> float:
        if value < lowest:
            raise ValueError(f"must be at least {lowest:g} (got {value:g})")
        return value

    return AfterValidator(check)


def zero_or_at_least(lowest: float) -> AfterValidator:
    """0, or a positive number that is not so small that the exact counts derived from it overflow."""

    def check(value: float) -> float:
        if 0 < value < lowest:
            raise ValueError(f"must be 0 or at least {lowest:g} (got {value:g})")
        return value

    return AfterValidator(check)


Count = Annotated[int, Field(gt=0, le=10**12)]  #: units, synapses, samples, bytes
CountOrZero = Annotated[int, Field(ge=0, le=10**12)]  #: the same, or 0
Units = Annotated[int, Field(gt=0, le=10**8)]  #: of a layer that is built
Repeats = Annotated[int, Field(gt=0, le=10**6)]  #: epochs, sweeps: things done one after another
Copies = Annotated[int, Field(gt=0, le=2000)]  #: of a layer that is built: more would take minutes to build
StepsPerFrame = Annotated[int, Field(gt=0, le=10**4)]
Steps = Annotated[int, Field(gt=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Workers = Annotated[int, Field(gt=0, le=MOST_WORKERS)]
Year = Annotated[int, Field(ge=1600, le=2200)]

TimeMs = Annotated[float, Field(gt=0, le=1e9), at_least(1e-9)]
RateHz = Annotated[float, Field(gt=0, le=1e12), at_least(1e-12)]
RateOrZeroHz = Annotated[float, Field(ge=0, le=1e12), zero_or_at_least(1e-12)]
Share = Annotated[float, Field(gt=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1), zero_or_at_least(1e-12)]
Gain = Annotated[float, Field(ge=0, le=1e6)]  #: scale of weights, thresholds, rates of change
PositiveGain = Annotated[float, Field(gt=0, le=1e12), at_least(1e-12)]  #: up to norms that clip nothing
LearningRate = Annotated[
    float, Field(gt=0, le=1e38), at_least(1e-12)
]  #: a float32; one that is too high fails its run, visibly
Potential = Annotated[float, Field(ge=-1e6, le=1e6)]  #: membrane potentials, biases, weights
Exponent = Annotated[float, Field(gt=0, le=4)]
Penalty = Annotated[float, Field(gt=0, le=1e12), at_least(1e-12)]
Price = Annotated[
    float, Field(gt=0, le=1e24), at_least(1e-15)
]  #: energies, times, powers, bandwidths, in the unit of the key
PriceOrZero = Annotated[float, Field(ge=0, le=1e24), zero_or_at_least(1e-15)]
Score = Annotated[float, Field(ge=-1e24, le=1e24)]  #: metrics and published figures


def _ascending(ends: list[Item]) -> list[Item]:
    low, high = ends
    if not low <= high:  # type: ignore[operator]
        raise ValueError(f"must be [low, high] (got {ends})")
    return ends


def _distinct(items: list[Item]) -> list[Item]:
    seen: set[Item] = set()
    for item in items:
        if item in seen:
            raise ValueError(f"{item!r} is listed twice; remove one")
        seen.add(item)
    return items


Range = Annotated[list[Item], Field(min_length=2, max_length=2), AfterValidator(_ascending)]  #: [low, high]
Ordered = Annotated[
    list[Item], Field(json_schema_extra={"ordered": True})
]  #: one entry per place; equal ones are meant
Distinct = Annotated[list[Item], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
