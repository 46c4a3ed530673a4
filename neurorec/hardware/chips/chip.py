"""The chip card hardware/NAME.toml: what a chip can run, prices of events, and terms that a total must include."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from neurorec.basics.capabilities import CAPABILITIES, LEARNING, UNCOUNTED, UNDECLARED, check_capabilities
from neurorec.basics.cards import Card, card_names, find_card, load_card
from neurorec.basics.errors import InputError
from neurorec.basics.numbers import Distinct, Price, Range
from neurorec.hardware.chips.batch_law import BatchLaw
from neurorec.hardware.chips.evidence import AccessEnergy, Energy, Known, Limit, Scope
from neurorec.hardware.chips.precision import DType
from neurorec.hardware.chips.terms import (
    ARITHMETIC,
    Bound,
    Energies,
    Limits,
    NetworkOnChip,
    Published,
    Static,
    Term,
    Times,
    TrainingTerm,
)
from neurorec.models.cell import Cell
from neurorec.models.energy.model import EnergyModel
from neurorec.models.network import Network
from neurorec.models.wires import INPUT

FALLBACKS = ("running", "learning")


class Chip(Card):
    """A chip card.

    It can run and train whatever needs only capabilities that it `offers`. `why_not` gives reasons by capability;
    the keys "running" and "learning" apply to all other capabilities of that kind.
    """

    about: str
    note: str
    scope: Scope
    signals: Distinct[Literal["spikes", "values"]]  #: what its lines can carry
    counts_spikes: bool  #: False: it computes every synapse in every step, with or without a spike
    offers: Distinct[str]
    why_not: dict[str, str] = Field(default_factory=dict)
    must_price: Distinct[Term]
    must_price_training: Distinct[TrainingTerm] = Field(default_factory=list)
    units_per_neuron: dict[str, Limit] = Field(
        default_factory=dict
    )  #: hardware units per neuron with a capability, if not one
    measured_macs: Range[Price] | None = None  #: network sizes on which an all-in price is based
    precision: DType | None = None  #: the data type of the card's prices, if stated
    energy: Energies = Energies()
    energy_at: dict[DType, Energies] = Field(default_factory=dict)  #: prices of arithmetic in other data types
    memory: list[AccessEnergy] = Field(default_factory=list)  #: smallest first; see `stores` for which holds what
    time: Times = Times()
    static: Static | None = None
    limits: Limits = Limits()
    network: NetworkOnChip | None = None
    law: BatchLaw | None = None  #: for a board calibrated from metered points
    bound: dict[str, Bound] = Field(default_factory=dict)
    published: list[Published] = Field(default_factory=list)  #: end-to-end figures, shown for comparison

    @model_validator(mode="after")
    def _speaks_the_vocabulary(self) -> Self:
        for key, names, others in (
            ("offers", self.offers, ()),
            ("why_not", self.why_not, FALLBACKS),
            ("units_per_neuron", self.units_per_neuron, ()),
        ):
            try:
                check_capabilities(names, *others)
            except InputError as error:
                raise ValueError(f"{key}: {error}") from None
        if both := [name for name in self.offers if name in self.why_not]:
            raise ValueError(f'why_not: "{both[0]}" is also in offers; remove it from one of them')
        return self

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        others = (energy for table in self.energy_at.values() for energy in table.stated().values())
        energies = [*self.energy.stated().values(), *others, *self.memory]
        if any(energy.scope != self.scope for energy in energies):
            raise ValueError(
                f'every energy of this card must have scope = "{self.scope}"; all-in and per-term prices cannot be mixed'
            )
        wanted = "all-in" if self.scope == "all-in" else "static"
        powers = [power for power in (self.static.power, self.static.clock) if power] if self.static else []
        if any(power.scope != wanted for power in powers):
            raise ValueError(f'static: power on a card with {self.scope} prices must have scope = "{wanted}"')
        return self

    @model_validator(mode="after")
    def _prices_what_it_states(self) -> Self:
        expected = {*self.must_price, *self.must_price_training}
        stated = self.stated_terms()
        if idle := sorted(stated - expected):
            raise ValueError(f"{', '.join(idle)} has a price but is not in must_price, so it would never be charged")
        if "running" not in self.why_not and not self.offers:
            raise ValueError('a chip that offers nothing needs why_not.running = "the reason"')
        for at, level in enumerate(self.memory):
            if level.name in [other.name for other in self.memory[:at]]:
                raise ValueError(f'memory: "{level.name}" is listed twice; remove one')
        if not self.must_price and not (self.published or self.bound):
            raise ValueError("must_price is empty: list the terms of a total, or give published or bound figures")
        return self

    @model_validator(mode="after")
    def _same_terms_at_every_precision(self) -> Self:
        if self.energy_at and self.precision is None:
            raise ValueError("energy_at needs precision, the data type of [energy]")
        wanted = {term for term in self.energy.stated() if term in ARITHMETIC}
        for dtype, table in self.energy_at.items():
            if set(table.stated()) != wanted:
                names = ", ".join(sorted(wanted)) or "nothing, since [energy] has no arithmetic"
                raise ValueError(f"energy_at.{dtype}: give the same arithmetic terms as [energy]: {names}")
        return self

    def energies(self, dtype: str | None) -> dict[str, Energy]:
        """Prices by term, with arithmetic in `dtype` (None: the card's own)."""
        return {**self.energy.stated(), **(self.energy_at[dtype].stated() if dtype in self.energy_at else {})}

    def why_not_precision(self, dtype: str) -> str | None:
        """Why `dtype` cannot be priced, or None. Prices are never scaled by width."""
        if dtype == self.precision or dtype in self.energy_at:
            return None
        advice = f"omit the precision, or add [energy_at.{dtype}] with a source to its card"
        if self.precision is None:
            return f"its card does not state the data type of its prices, so {dtype} has none; {advice}"
        stated = ", ".join([self.precision, *self.energy_at])
        return f"its prices are for {stated} only, and no source gives prices for {dtype}; {advice}"

    def stated_terms(self) -> set[str]:
        """Terms for which the card has a number."""
        return {
            *self.energy.stated(),
            *({"memory_access"} if self.memory else ()),
            *({"static"} if self.static else ()),
            *({"call", "mac"} if self.law else ()),
        }

    def refusal(self, needs: Collection[str]) -> str | None:
        """Why this chip cannot do something that needs these capabilities, or None if it can."""
        missing = next((name for name in CAPABILITIES if name in needs and name not in self.offers), None)
        if missing is None:
            return None
        if missing in UNCOUNTED:
            return UNCOUNTED[missing]
        everything = self.why_not.get("learning" if missing in LEARNING else "running")
        means = CAPABILITIES[missing]
        absent = means if missing == UNDECLARED else f'its card does not offer "{missing}" ({means})'
        return self.why_not.get(missing, everything) or absent

    def units_of(self, needs: Collection[str]) -> int:
        """Hardware units per neuron with these needs."""
        return max((self.units_per_neuron[name].count for name in needs if name in self.units_per_neuron), default=1)

    def sources(self) -> list[str]:
        """Citation keys of everything on the card."""
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
        For an unknown chip, or a card with an unknown key or capability, a missing unit, or a band that does not contain
        its value.
    """
    return load_card(find_card("hardware", name), Chip)


def needs_of_cell(cell: type[Cell]) -> frozenset[str]:
    """Capabilities needed to run a layer of this kind: its own needs, and that of its output signal."""
    return cell.needs | {cell.output_signal}


def needs_of_model(network: Network | EnergyModel) -> frozenset[str]:
    """Capabilities needed to run all layers and to transmit what they send to each other."""
    if isinstance(network, EnergyModel):
        return network.needs | {network.output_signal}
    needs = {need for _, layer in network.named_layers() for need in layer.needs}
    return frozenset(needs | {network.signal_of(wire.source) for wire in network.wires if wire.source != INPUT})
