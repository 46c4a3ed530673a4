"""The law of a calibrated board: time or energy per inference in batches, from a few metered points.

    q(M, B) = calls x ((call + W shared) / B^a + W each),   W = M0 (M / M0)^k

M operations (dense multiply-accumulates) per pass through the network, B inferences per batch, `calls` passes per inference
(its time steps). `call` is paid once per pass of the whole batch, `shared` once per operation of the whole batch (its
weight is fetched once), `each` for every inference. a = 1: the batch shares perfectly; a < 1: only partly. k = 1: work is
proportional to operations; k < 1: a larger network uses the machine better. M0 is the smallest metered network. Time and
energy have the same form with different numbers; total energy = idle power x time + dynamic energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count, Distinct, Exponent, Price, PriceOrZero, Range
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.evidence import Known


@dataclass(frozen=True)
class Bend:
    """Exponents of the law: `sharing` a over the batch, `growth` k over operations, from `smallest` M0."""

    sharing: float = 1.0
    growth: float = 1.0
    smallest: float = 1.0

    def work(self, operations: Any) -> Any:
        """W for a number or an array."""
        return self.smallest * (operations / self.smallest) ** self.growth


def per_inference(
    call: float, shared: float, each: float, bend: Bend, operations: float, batch: float, calls: int = 1
) -> float:
    """The law; `operations` of all calls together, in the units of its terms."""
    work = bend.work(operations / calls)
    return calls * ((call + work * shared) / batch**bend.sharing + work * each)


class Terms(Card):
    """`smallest`: operations of the smallest metered network, at which `shared` and `each` are prices per operation."""

    smallest: Price
    sharing: Exponent
    sharing_between: Range[Exponent]
    growth: Exponent
    growth_between: Range[Exponent]

    @property
    def bend(self) -> Bend:
        return Bend(self.sharing, self.growth, self.smallest)


class TimeTerms(Terms):
    call_us: PriceOrZero
    shared_ns: PriceOrZero
    each_ns: PriceOrZero

    def us(self, operations: float, batch: int, calls: int) -> float:
        terms = (self.call_us, self.shared_ns * 1e-3, self.each_ns * 1e-3, self.bend)
        return per_inference(*terms, operations, batch, calls)


class EnergyTerms(Terms):
    call_nJ: PriceOrZero
    shared_pJ: PriceOrZero
    each_pJ: PriceOrZero

    def pJ(self, operations: float, batch: int, calls: int) -> float:
        terms = (self.call_nJ * 1e3, self.shared_pJ, self.each_pJ, self.bend)
        return per_inference(*terms, operations, batch, calls)


class BatchLaw(Known):
    """The range in which it was measured, its band, and its terms."""

    obtained: Literal["metered"]
    points: Distinct[str]  #: the fitted points
    operations: Range[Price]  #: smallest and largest measured network
    batch: Range[Count]
    energy_is: Literal["dynamic", "total"]  #: dynamic: idle power was metered and is charged over the time
    band_factor: float = Field(ge=1.0, le=1e6)  #: the band is value / factor to value x factor
    band_from: str
    time: TimeTerms
    energy: EnergyTerms

    def banded(self, value: float) -> Band:
        return Band(value, value / self.band_factor, value * self.band_factor)

    def why_not(self, batch: int) -> str | None:
        """Why a batch of this size cannot be priced, or None."""
        if batch > 1 and self.batch[1] == 1:
            return f"it was metered only at batch 1, so batch {batch} has no price; meter a batch and calibrate again"
        return None

    def outside(self, operations: float, batch: int) -> str:
        """A sentence if the law is extrapolated beyond what was metered, or an empty string."""
        low, high = self.operations
        said = []
        if not low * 0.999 <= operations <= high * 1.001:
            said.append(f"{operations:,.0f} operations per inference (metered: {low:,.0f} to {high:,.0f})")
        if not self.batch[0] <= batch <= self.batch[1]:
            said.append(f"batch {batch} (metered: {self.batch[0]} to {self.batch[1]})")
        return f"extrapolated beyond what was metered: {'; '.join(said)}" if said else ""
