"""The chip card hardware/NAME.toml: what a chip runs, what each event costs it, and what it must price for a total."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from neurorec.basics.cards import Card, card_names, find_card, load_card
from neurorec.hardware.evidence import AccessEnergy, ClockPower, Energy, Known, Limit, Power, Scope, Time

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
    "management",
    "board",
    "static",
]
TrainingTerm = Literal["plasticity_update", "trace_update"]


class Energies(Card):
    """pJ for one event of each term. Memory accesses are priced by the levels in [[memory]], static by [static]."""

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
    plasticity_update: Energy | None = None

    def stated(self) -> dict[str, Energy]:
        return {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}


class Times(Card):
    """ns for one event; `step` is a fixed tick, a barrier ends each step of a chip that runs as fast as it can."""

    synaptic_event: Time | None = None
    neuron_update_active: Time | None = None
    neuron_update_inactive: Time | None = None
    barrier_one_tile: Time | None = None
    barrier_all_tiles: Time | None = None
    memory_bit: Time | None = None
    step: Time | None = None


class Static(Card):
    """Power that flows whatever the net does, for the whole chip, and the time for which an inference is charged.

    "real time": the step of the card, or the net's own dt_ms. "as fast as it goes": the latency that the times give.
    "bits over bandwidth": the time its memory traffic takes, a lower bound that is not shown as a latency.
    """

    time: Literal["real time", "as fast as it goes", "bits over bandwidth"]
    power: Power
    clock: ClockPower | None = None


class Limits(Card):
    cores: Limit | None = None
    neurons_per_core: Limit | None = None
    axons_per_core: Limit | None = None  #: lines that may arrive at a core
    synapses_per_core: Limit | None = None
    targets_per_neuron: Limit | None = None  #: cores that one neuron's spike may reach


class NetworkOnChip(Known):
    """How spikes travel: one packet per destination core over a mesh of tiles, or one multicast packet per spike."""

    kind: Literal["mesh", "multicast"]
    packet_bits: PositiveInt | None = None
    tiles: list[PositiveInt] = Field([1, 1], min_length=2, max_length=2)  #: columns (east-west), rows (north-south)
    cores_per_tile: PositiveInt = 1


class Bound(Energy):
    """A price that is known to be wrong on one side; shown, never added to a total."""

    bounds: Literal["below", "above"]


class Chip(Card):
    """A chip card. `runs` and `trains` name registered cells and rules; any other has its reason, or "other"'s."""

    about: str
    note: str
    scope: Scope
    signals: list[Literal["spikes", "values"]]  #: what its lines can carry
    counts_spikes: bool  #: False: it computes every synapse in every step, spike or not
    runs: list[str]
    why_not: dict[str, str]
    trains: list[str]
    why_not_training: dict[str, str]
    must_price: list[Term]
    must_price_training: list[TrainingTerm] = Field(default_factory=list)
    units_per_neuron: dict[str, Limit] = Field(
        default_factory=dict
    )  #: hardware units a cell's neuron takes, if not one
    measured_macs: list[PositiveFloat] | None = Field(
        None, min_length=2, max_length=2
    )  #: net sizes behind an all-in price
    energy: Energies = Energies()
    memory: list[AccessEnergy] = Field(default_factory=list)  #: smallest first; the first that holds the net is used
    time: Times = Times()
    static: Static | None = None
    limits: Limits = Limits()
    network: NetworkOnChip | None = None
    bound: dict[str, Bound] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        energies = [*self.energy.stated().values(), *self.memory]
        if any(energy.scope != self.scope for energy in energies):
            raise ValueError(
                f'every energy of this card must have scope = "{self.scope}"; all-in and per-term never mix'
            )
        wanted = "all-in" if self.scope == "all-in" else "static"
        powers = [power for power in (self.static.power, self.static.clock) if power] if self.static else []
        if any(power.scope != wanted for power in powers):
            raise ValueError(f'static: power beside {self.scope} prices must have scope = "{wanted}"')
        return self

    @model_validator(mode="after")
    def _prices_what_it_states(self) -> Self:
        expected = {*self.must_price, *self.must_price_training}
        stated = {
            *self.energy.stated(),
            *({"memory_access"} if self.memory else ()),
            *({"static"} if self.static else ()),
        }
        if idle := sorted(stated - expected):
            raise ValueError(f"{', '.join(idle)} has a price but is not in must_price, so it would never be charged")
        if "other" not in self.why_not and not self.runs:
            raise ValueError('a chip that runs nothing needs why_not.other = "the reason"')
        return self

    def why_not_cell(self, cell: str) -> str | None:
        """Why this chip cannot run the registered cell `cell`, or None if it can."""
        if cell in self.runs:
            return None
        return self.why_not.get(cell, self.why_not.get("other", f'its card does not say that it runs "{cell}"'))

    def why_not_rule(self, rule: str) -> str | None:
        """Why this chip cannot train by the registered rule `rule`, or None if it can."""
        if rule in self.trains:
            return None
        return self.why_not_training.get(
            rule, self.why_not_training.get("other", f'its card does not say that it trains by "{rule}"')
        )

    def units_of(self, cell: str) -> int:
        """Hardware units that one neuron of the registered cell `cell` takes."""
        return self.units_per_neuron[cell].count if cell in self.units_per_neuron else 1

    def sources(self) -> list[str]:
        """Citation keys of everything the card states."""
        found: set[str] = set()

        def collect(value: object) -> None:
            if isinstance(value, Known):
                found.add(value.source)
            if isinstance(value, Card):
                for name in type(value).model_fields:
                    collect(getattr(value, name))
            elif isinstance(value, list):
                for item in value:
                    collect(item)
            elif isinstance(value, dict):
                for item in value.values():
                    collect(item)

        collect(self)
        return sorted(found)


def chip_names() -> list[str]:
    return card_names("hardware")


def load_chip(name: str | Path) -> Chip:
    """The chip card `name`: a name from the catalogue or a path to a card.

    Raises
    ------
    InputError
        For an unknown chip, or a card with an unknown key, a missing unit, a band that does not contain its value.
    """
    return load_card(find_card("hardware", name), Chip)
