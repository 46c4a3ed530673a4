"""One network of the study, counted and priced for any rule, split, number of workers and link, over all seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurorec.experiments.communication.communication_card import CountedRule
from neurorec.experiments.communication.communication_results import BytesRow, PriceRow, Split
from neurorec.experiments.communication.observe import Seen
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.link import Link
from neurorec.hardware.communication.link_price import LinkCost, price_traffic
from neurorec.hardware.communication.link_traffic import LinkTraffic
from neurorec.hardware.communication.ring import merge_traffic, merges_per_epoch
from neurorec.hardware.communication.units import ObservedEpoch, deal_units, units_traffic

UPDATE, EPOCH = "every update", "once per epoch"


@dataclass(frozen=True)
class Way:
    """How the work is shared: samples, merged at intervals, or units, with a rule's messages."""

    split: Split
    rule: str  #: "any" if samples are shared
    merge: str = ""


MERGES = (Way("data", "any", UPDATE), Way("data", "any", EPOCH))


@dataclass
class Counted:
    """Counts traffic, with a cache."""

    seen: list[Seen]  #: the seeds of one network
    rules: Mapping[str, CountedRule]
    batch: int
    _traffic: dict[tuple[Way, int], list[LinkTraffic]] = field(default_factory=dict)

    @property
    def net(self) -> ObservedEpoch:
        """The network's sizes, equal for every seed."""
        return self.seen[0].net

    @property
    def ways(self) -> list[Way]:
        return [*MERGES, *(Way("units", rule) for rule in self.rules)]

    def most_workers(self, way: Way, asked: int) -> int:
        """The largest number of workers that all have work: the number of samples, or of units."""
        return min(asked, self.net.hidden if way.split == "units" else self.net.samples)

    def traffic_of(self, net: ObservedEpoch, way: Way, workers: int) -> LinkTraffic:
        """Traffic of one epoch of `net`, which is this network or a similar one."""
        if way.split == "units":
            return units_traffic(net, deal_units(net, workers), self.rules[way.rule].messages, self.batch)
        merges = merges_per_epoch(net.samples, self.batch if way.merge == UPDATE else net.samples, workers)
        return merge_traffic(net.trained_numbers, workers, merges)

    def traffic(self, way: Way, workers: int) -> list[LinkTraffic]:
        """By seed."""
        key = (way, workers)
        if key not in self._traffic:
            self._traffic[key] = [self.traffic_of(seen.net, way, workers) for seen in self.seen]
        return self._traffic[key]

    def price(self, way: Way, workers: int, link: Link) -> LinkCost:
        """Mean over seeds; the band extends from the lowest to the highest end of any seed."""
        costs = [price_traffic(traffic, link, workers) for traffic in self.traffic(way, workers)]
        energy = envelope([cost.energy_pJ for cost in costs if cost.energy_pJ is not None])
        seconds = envelope([cost.time_s for cost in costs if cost.time_s is not None])
        return LinkCost(energy, costs[0].energy_at_least, seconds, costs[0].time_at_least, costs[0].why_not)

    def computing(self, rule: str, chip: str) -> tuple[Band | None, bool]:
        """Energy of computing an epoch with `rule` on `chip`, and whether it is only a lower estimate."""
        found = [c for seen in self.seen for c in seen.computing if (c.rule, c.chip) == (rule, chip)]
        return envelope([Band(*c.energy_pJ) for c in found if c.energy_pJ]), any(c.at_least for c in found)

    def bytes_row(self, way: Way, workers: int) -> BytesRow:
        seeds = self.traffic(way, workers)
        parts = ("total_bytes", "spikes", "forward_values", "errors", "signals", "merged")
        numbers = {part: [int(getattr(traffic, part)) for traffic in seeds] for part in parts}
        return BytesRow(self.net.name, way.split, way.rule, way.merge, workers, waits=seeds[0].waits, **numbers)

    def price_row(self, way: Way, workers: int, name: str, link: Link) -> PriceRow:
        cost = self.price(way, workers, link)
        energy, seconds = cost.energy_pJ, cost.time_s
        return PriceRow(
            self.net.name, way.split, way.rule, way.merge, workers, name, cost.why_not,
            *((energy.value, energy.low, energy.high) if energy else (None, None, None)), cost.energy_at_least,
            *((seconds.value, seconds.low, seconds.high) if seconds else (None, None, None)), cost.time_at_least,
        )  # fmt: skip


def envelope(bands: list[Band]) -> Band | None:
    """Mean, lowest and highest end."""
    if not bands:
        return None
    low, high = min(band.low for band in bands), max(band.high for band in bands)
    mean = sum(band.value for band in bands) / len(bands)
    return Band(min(max(mean, low), high), low, high)  # a mean of equal numbers may be off by rounding
