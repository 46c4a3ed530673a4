"""A number on a chip card: its band, scope, how it was obtained and how we know it.

A number has its unit in its key, and either a band or the statement that no source gives one. Subclasses are the quantities
of a card: energy (pJ), time (ns), power (mW), and counts without a unit.
"""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from neurorec.basics.cards import Card
from neurorec.basics.citations import is_cited
from neurorec.basics.numbers import Count, Price, PriceOrZero, Range
from neurorec.hardware.chips.band import Band

Scope = Literal["per-term", "all-in"]


class Known(Card):
    """How we know a fact: its source, and through which text we read it.

    `known` is "read" (in the source), "second-hand" (in another text that quotes it, named in `via`) or "computed"
    (from read or second-hand numbers; `note` has the arithmetic). Remembered numbers are deliberately not allowed.
    """

    known: Literal["read", "second-hand", "computed"]
    source: str
    via: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _traceable(self) -> Self:
        if not is_cited(self.source):
            raise ValueError(
                f'source "{self.source}" is not a key of neurorec/basics/citations.toml; add it there first'
            )
        if self.known == "second-hand" and not self.via:
            raise ValueError('known = "second-hand" needs via = "the text that quotes the source"')
        if self.known == "computed" and not self.note:
            raise ValueError('known = "computed" needs note = "the arithmetic"')
        return self


class Quantity(Known):
    """A number with a unit. `unit` is the key that holds it; `band_<unit>` its band."""

    unit: ClassVar[str]
    obtained: Literal["metered", "measured", "simulated", "derived", "unstated"]
    band: Literal["none found"] | None = None

    @model_validator(mode="after")
    def _band_stated(self) -> Self:
        value, key = getattr(self, self.unit), f"band_{self.unit}"
        pair = getattr(self, key)
        if (pair is None) == (self.band is None):
            raise ValueError(f'give either {key} = [low, high] or band = "none found"')
        if pair is not None and not pair[0] <= value <= pair[1]:
            raise ValueError(f"{key} = {pair} does not contain {self.unit} = {value:g}")
        return self

    @property
    def has_band(self) -> bool:
        return self.band is None

    def as_band(self) -> Band:
        """The number with its band, or with low = value = high if no band was found."""
        low, high = getattr(self, f"band_{self.unit}") or (getattr(self, self.unit),) * 2
        return Band(getattr(self, self.unit), low, high)


Pair = Range[PriceOrZero]


class Energy(Quantity):
    """pJ per event."""

    unit = "pJ"
    pJ: Price
    band_pJ: Pair | None = None
    scope: Scope


class AccessEnergy(Energy):
    """pJ per access of `access_bits` to a memory of `size_bytes` (absent: unlimited)."""

    name: str
    access_bits: Count
    size_bytes: Count | None = None


class Time(Quantity):
    unit = "ns"
    ns: Price
    band_ns: Pair | None = None


class Power(Quantity):
    """Power drawn without work: scope "static" for per-term prices, "all-in" as part of an all-in law."""

    unit = "mW"
    mW: Price
    band_mW: Pair | None = None
    scope: Literal["static", "all-in"]


class ClockPower(Quantity):
    """Power proportional to the clock frequency, for chips whose law has such a term."""

    unit = "mW_per_MHz"
    mW_per_MHz: Price
    band_mW_per_MHz: Pair | None = None
    scope: Literal["static", "all-in"]
    clock_MHz: Price


class Limit(Known):
    """A hard limit of the chip."""

    count: Count
