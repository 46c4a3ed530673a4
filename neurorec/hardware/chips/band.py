"""A positive number with the range given by its sources, and sums and products of such numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """low <= value <= high, in one unit. Bands add end to end: errors of sources may be correlated and do not average out."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high:
            raise ValueError(f"a band needs 0 <= low <= value <= high, got {self.low}, {self.value}, {self.high}")

    @classmethod
    def exact(cls, value: float) -> Band:
        return cls(value, value, value)

    @classmethod
    def total(cls, bands: Iterable[Band]) -> Band:
        return sum(bands, cls.exact(0.0))

    @classmethod
    def largest(cls, bands: Iterable[Band]) -> Band:
        """The longest of several parallel times; each end is the largest of the ends."""
        found = list(bands)
        return cls(*(max(getattr(band, end) for band in found) for end in ("value", "low", "high")))

    def __add__(self, other: Band) -> Band:
        return Band(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, other: Band | float) -> Band:
        other = other if isinstance(other, Band) else Band.exact(other)
        return Band(self.value * other.value, self.low * other.low, self.high * other.high)

    __rmul__ = __mul__
