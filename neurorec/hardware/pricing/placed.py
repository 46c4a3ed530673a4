"""A workload counted and placed on a chip: the input of pricing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurorec.basics.counts import Counts, LayerCounts
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.precision import FLOAT32, Precision
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.workload.counting import Operations
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.workload import PopulationWork, Workload


@dataclass(frozen=True, eq=False)
class Placed:
    work: Workload
    operations: Operations
    mapping: Mapping
    chip: Chip

    @property
    def setting(self) -> Setting:
        return self.work.setting

    @property
    def precision(self) -> Precision:
        """The requested precision, or that of the chip's prices, or float32."""
        stated = self.chip.precision
        return self.setting.precision or (FLOAT32 if stated is None else Precision.of(stated))

    @property
    def layers(self) -> LayerCounts:
        """The counts as executed by this chip."""
        return on_chip(self.chip, self.operations.layers)

    @property
    def inferences(self) -> int:
        return self.operations.samples

    def populations(self) -> Iterator[tuple[PopulationWork, Counts]]:
        for p in self.work.populations:
            yield p, self.operations.layers.of(p.name)

    @property
    def values_on_the_way(self) -> int:
        """Values that populations send to each other."""
        return sum(counts.values_sent for p, counts in self.populations() if p.values_travel)

    @property
    def message_bits(self) -> float:
        """Bytes of all packets, and of the values received and sent."""
        network = self.chip.network
        packet_bits = (network.packet_bits if network else None) or self.precision.bits("address")
        values = self.operations.input_values + self.values_on_the_way
        return self.mapping.packets * packet_bits + values * self.precision.bits("activation")


def on_chip(chip: Chip, counts: LayerCounts) -> LayerCounts:
    """On a chip that cannot exploit sparse spikes, every synapse is computed in every step."""
    return counts if chip.counts_spikes else counts.as_dense()
