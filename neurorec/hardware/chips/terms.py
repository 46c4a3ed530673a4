"""The tables of a chip card: prices and times of its terms, static power, limits, network on chip, known bounds."""

from typing import Literal, Self

from pydantic import Field, model_validator

from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count, PriceOrZero
from neurorec.hardware.chips.evidence import ClockPower, Energy, Known, Limit, Power, Time

Term = Literal[
    "synaptic_event",
    "mac",
    "elementwise",
    "nonlinearity",
    "neuron_update",
    "neuron_update_active",
    "neuron_update_inactive",
    "memory_access",
    "packet",
    "spike_within_tile",
    "hop_east_west",
    "hop_north_south",
    "wire",
    "input_injection",
    "barrier",
    "small_net_overhead",
    "launch_overhead",
    "call",
    "management",
    "board",
    "static",
]
TrainingTerm = Literal["plasticity_update", "trace_update", "weight_scaling"]
#: terms whose price depends on the data type
ARITHMETIC = ("synaptic_event", "mac", "elementwise", "nonlinearity")


class Energies(Card):
    """pJ per event of each term. Memory accesses are priced by the levels in [[memory]], static power by [static]."""

    synaptic_event: Energy | None = None
    mac: Energy | None = None
    elementwise: Energy | None = None
    nonlinearity: Energy | None = None
    neuron_update: Energy | None = None
    neuron_update_active: Energy | None = None
    neuron_update_inactive: Energy | None = None
    packet: Energy | None = None
    spike_within_tile: Energy | None = None
    hop_east_west: Energy | None = None
    hop_north_south: Energy | None = None
    input_injection: Energy | None = None
    barrier: Energy | None = None  #: per step
    management: Energy | None = None  #: per step
    launch_overhead: Energy | None = None  #: per inference
    plasticity_update: Energy | None = None
    trace_update: Energy | None = None
    weight_scaling: Energy | None = None

    def stated(self) -> dict[str, Energy]:
        return {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}


class Times(Card):
    """ns per event; `step` is a fixed tick, a barrier ends each step of a chip that runs as fast as it can."""

    synaptic_event: Time | None = None
    mac: Time | None = None
    neuron_update_active: Time | None = None
    neuron_update_inactive: Time | None = None
    barrier_one_tile: Time | None = None
    barrier_all_tiles: Time | None = None
    memory_bit: Time | None = None
    packet: Time | None = None  #: for a tile to forward one packet
    plasticity_update: Time | None = None
    step: Time | None = None

    @model_validator(mode="after")
    def _more_tiles_wait_longer(self) -> Self:
        one, every = self.barrier_one_tile, self.barrier_all_tiles
        if one is not None and every is not None and one.ns > every.ns:
            raise ValueError(f"barrier_one_tile ({one.ns:g} ns) must be at most barrier_all_tiles ({every.ns:g} ns)")
        return self


class Static(Card):
    """Power of the whole chip that does not depend on activity, and the time for which an inference is charged.

    "real time": the step of the card, or the network's own dt_ms. "as fast as possible": the latency computed from the times.
    "bits over bandwidth": the time of its memory traffic, a lower bound that is not shown as a latency.
    """

    time: Literal["real time", "as fast as possible", "bits over bandwidth"]
    power: Power
    clock: ClockPower | None = None


class Limits(Card):
    cores: Limit | None = None
    neurons_per_core: Limit | None = None
    axons_per_core: Limit | None = None  #: lines that may arrive at a core
    output_axons_per_core: Limit | None = None  #: pairs of a neuron on the core and a target core
    synapses_per_core: Limit | None = None
    targets_per_neuron: Limit | None = None  #: cores that one neuron's spike may reach


class NetworkOnChip(Known):
    """How spikes travel: one packet per destination core over a mesh of tiles, or one multicast packet per spike."""

    kind: Literal["mesh", "multicast"]
    packet_bits: Count | None = None
    tiles: list[Count] = Field([1, 1], min_length=2, max_length=2)  #: columns (east-west), rows (north-south)
    cores_per_tile: Count = 1


class Bound(Energy):
    """A bound on a price; shown, but never added to a total."""

    bounds: Literal["below", "above"]


class Published(Known):
    """A figure measured end to end on another network: shown for comparison, never used for estimates."""

    what: str
    energy_uJ: PriceOrZero | None = None
    power_mW: PriceOrZero | None = None
    latency_us: PriceOrZero | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.energy_uJ is None and self.power_mW is None and self.latency_us is None:
            raise ValueError("give at least one of energy_uJ, power_mW, latency_us")
        return self

    def __str__(self) -> str:
        numbers = ((self.energy_uJ, "µJ"), (self.power_mW, "mW"), (self.latency_us, "µs"))
        return f"{self.what}: {', '.join(f'{value:.4g} {unit}' for value, unit in numbers if value is not None)}"
