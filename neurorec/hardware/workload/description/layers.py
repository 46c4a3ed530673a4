"""An expanded description: one `Described` per layer of the network, with its connections and firing rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from neurorec.basics.errors import InputError
from neurorec.hardware.workload.changes import exact
from neurorec.hardware.workload.description.network_card import Description, Firing, LayerCard
from neurorec.models.wires import INPUT


@dataclass(frozen=True)
class FanIn:
    """Synapses from one source: `fan_in` per unit. `source` is an index of populations, -1 the input."""

    source: int
    fan_in: int


@dataclass(frozen=True)
class Described:
    """`spikes` per unit and inference (expected, exact), or None if its units send values."""

    name: str
    size: int
    lines: tuple[FanIn, ...]
    recurrent_fan_in: int
    spikes: Fraction | None
    is_readout: bool
    random: tuple[FanIn, ...] = ()  #: drawn at random, received one step later
    lattice: tuple[int, int, int] | None = None  #: if recurrent synapses come from neighbouring units
    reach: float = 0.0

    def own(self, at: int) -> tuple[FanIn, ...]:
        """Synapses from its own units, if any; `at` is its own index."""
        return (FanIn(at, self.recurrent_fan_in),) if self.recurrent_fan_in else ()

    @property
    def synapses_per_unit(self) -> int:
        return sum(line.fan_in for line in (*self.lines, *self.random)) + self.recurrent_fan_in


def input_size(net: Description) -> int:
    return net.input.size if net.input else 0


def input_spikes(net: Description) -> Fraction | None:
    """Spikes per input line and inference, or None if the lines carry values."""
    if net.input is None:
        return Fraction(0)
    if net.input.signal == "values":
        return None
    if net.input.spikes_per_inference is not None:
        return exact(net.input.spikes_per_inference) / net.input.size
    return _spikes(net, net.input)


def write_out(net: Description) -> list[Described]:
    """All layers of the network, in order; `depth` and `copies` become separate layers."""
    found: list[Described] = []
    ends: dict[str, list[int]] = {
        INPUT: [-1] if net.input else []
    }  # per described layer: the populations that later layers hear
    before = INPUT
    for card in net.layer:
        named = card.hears if card.hears is not None else [] if card.random_fan_in else [before]
        heard = [source for name in named for source in ends[name]]
        ends[card.name] = []
        for copy in range(card.copies):
            sources = heard
            for level in range(card.depth):
                suffix = f"_{copy + 1}" * (card.copies > 1) + f".{level + 1}" * (card.depth > 1)
                found.append(_described(net, card, card.name + suffix, sources, found))
                sources = [len(found) - 1]
            ends[card.name] += sources
        before = card.name
    return [replace(p, random=_random_lines(net, ends, p.name)) for p in found]


def _random_lines(net: Description, ends: dict[str, list[int]], name: str) -> tuple[FanIn, ...]:
    card = next((card for card in net.layer if card.name == name), None)
    return tuple(FanIn(ends[source][0], fan_in) for source, fan_in in card.random_fan_in.items()) if card else ()


def _described(net: Description, card: LayerCard, name: str, sources: list[int], found: list[Described]) -> Described:
    lines = []
    for source in sources:
        heard = input_size(net) if source < 0 else found[source].size
        if card.fan_in is not None and card.fan_in > heard:
            raise InputError(f'layer "{card.name}": fan_in = {card.fan_in}, but its sources have only {heard} units')
        lines.append(FanIn(source, card.fan_in or heard))
    recurrent = card.size if card.recurrent else card.recurrent_fan_in or 0
    if recurrent > card.size:
        raise InputError(f'layer "{card.name}": recurrent_fan_in = {recurrent}, but it has only {card.size} units')
    is_readout = card is net.layer[-1] and not card.states_rate
    spikes = _spikes(net, card) if net.neuron == "lif" and not is_readout else None
    x, y, z = card.lattice or (0, 0, 0)
    lattice = (x, y, z) if card.lattice else None
    return Described(name, card.size, tuple(lines), recurrent, spikes, is_readout, (), lattice, card.reach or 0.0)


def _spikes(net: Description, firing: Firing) -> Fraction:
    if firing.spikes_per_step is not None:
        return exact(firing.spikes_per_step) * net.steps
    return (
        exact(firing.rate_Hz or 0.0) * exact(net.dt_ms or 0.0) * net.steps / 1000
    )  # the card has checked that they exist
