"""The architecture of one half of a pair, read from its card: named layers and what each hears, or an energy model.

[spiking.cell]              a chain: input, one layer called "hidden", a readout
name = "lif"

[rate.layers.first]         or several layers, in order; each hears the one before it unless `hears` says otherwise
name = "lstm"
[rate.layers.second]
name = "lstm"
hears = ["input", "first"]
hears_delayed = ["readout"]         what was sent one step earlier
hears_children = ["first"]          what the children of the node sent, added up: a network on trees (models/trees.py)
hears_read = ["first"]              what it sent last while reading: encoder and decoder (models/encoder_decoder.py)
carries = {readout = "softmax"}     what the wire applies to it
fixed = ["input"]           weights that are not trained; the layer's own name means its own recurrence
signs = {first = "positive"}        weights that keep this sign
tied = {first = "input -> first"}   weights that are those of another wire
weights_of = "first"                all weights, biases and time constants are those of another layer
dale_excitatory_share = 0.8         this share of the units only excites, the others only inhibit
learn_start = {share = 1.0, spread = 0.1}   learned initial state of a share of the units; spread of the first guess
takes_start = true                  units start from the values that samples give

copies = 3                          layers second_1, second_2, second_3 in a row, each with its own weights

[rate.energy_model]         or an energy model
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from neurorec.basics.cards import Card, check_card
from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry, look_up
from neurorec.models.cell import CellCard, cells
from neurorec.models.constraint import Constraint
from neurorec.models.energy.model import EnergyModelCard, energy_models
from neurorec.models.layer import Layer, Signal, joined
from neurorec.models.layer_keys import LayerKeys, LearnStart, split_table, written_out
from neurorec.models.network import Network
from neurorec.models.readout import ReadoutCard, readouts
from neurorec.models.wires import INPUT, Wire

READOUT = "readout"
CHAIN = "hidden"  #: name of the only layer of a chain


class Architecture(Protocol):
    """A checked plan of a model; `build` draws its weights (without a generator, they are left as they are)."""

    @property
    def title(self) -> str: ...
    @property
    def cards(self) -> dict[str, Card]: ...
    def sources(self) -> set[str]: ...
    def as_data(self) -> dict[str, Any]: ...
    def build(
        self, inputs: int, outputs: int, input_signal: Signal, generator: torch.Generator | None
    ) -> nn.Module: ...


@dataclass(frozen=True)
class NetworkArchitecture:
    """Layers in order, the readout last, and the wires between them."""

    layers: dict[str, CellCard]
    readout: ReadoutCard
    wires: tuple[Wire, ...]
    constraints: tuple[Constraint, ...] = ()
    learned_starts: Mapping[str, LearnStart] = field(default_factory=dict)
    takes_start: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        on_trees = any(wire.along == "tree" for wire in self.wires)
        return joined(cells[card.name].title for card in self.layers.values()) + " on trees" * on_trees

    @property
    def cards(self) -> dict[str, Card]:
        return {**self.layers, READOUT: self.readout}

    def sources(self) -> set[str]:
        return {key for card in self.layers.values() for key in cells[card.name].sources_of(card)}

    def as_data(self) -> dict[str, Any]:
        """Everything that determines what is built, for a run's id."""
        cards = {name: card.model_dump() for name, card in self.cards.items()}
        wires = [[w.source, w.target, w.delay, w.carries, *([w.along] * (w.along != "time"))] for w in self.wires]
        options = {"constraints": [repr(one) for one in self.constraints]} if self.constraints else {}
        starts = {name: card.model_dump() for name, card in self.learned_starts.items()}
        options |= ({"learn_start": starts} if starts else {}) | (
            {"takes_start": self.takes_start} if self.takes_start else {}
        )
        return {"layers": cards, "wires": wires, **options}

    def build(self, inputs: int, outputs: int, input_signal: Signal, generator: torch.Generator | None) -> Network:
        sizes = {INPUT: inputs, READOUT: outputs, **{name: card.size for name, card in self.layers.items()}}

        def heard(name: str) -> int:
            return sum(sizes[wire.source] for wire in self.wires if wire.target == name)

        layers: dict[str, Layer] = {name: cells[card.name](card, heard(name)) for name, card in self.layers.items()}
        layers[READOUT] = readouts[self.readout.name](self.readout, heard(READOUT), outputs)
        network = Network(layers, self.wires, input_signal, inputs, READOUT, self.constraints)
        for name, start in self.learned_starts.items():
            network.learn_start(name, start.share, start.spread)
        network.takes_start = self.takes_start
        if generator is not None:
            network.reset_parameters(generator)
        return network


@dataclass(frozen=True)
class EnergyArchitecture:
    """One energy model over all its inputs."""

    card: EnergyModelCard

    @property
    def title(self) -> str:
        return energy_models[self.card.name].title

    @property
    def cards(self) -> dict[str, Card]:
        return {"units": self.card}

    def sources(self) -> set[str]:
        return set(energy_models[self.card.name].sources)

    def as_data(self) -> dict[str, Any]:
        return {"energy_model": self.card.model_dump()}

    def build(self, inputs: int, outputs: int, input_signal: Signal, generator: torch.Generator | None) -> nn.Module:
        model = energy_models[self.card.name](self.card, inputs)
        if generator is not None:
            model.reset_parameters(generator)
        return model


def read_architecture(tables: dict[str, Any], where: str) -> Architecture:
    """The architecture that the tables "cell", "layers", "readout" or "energy_model" of a half describe.

    Raises
    ------
    InputError
        For an unknown name, key or layer, or tables that do not belong together.
    """
    given = [key for key in ("cell", "layers", "energy_model") if tables.get(key) is not None]
    if len(given) != 1:
        came = " and ".join(given) or "none of them"
        raise InputError(f"{where}: give one of [cell], [layers.NAME] and [energy_model] (got {came})")
    if tables.get("energy_model") is not None:
        return EnergyArchitecture(_card(tables["energy_model"], f"{where}.energy_model", energy_models))
    if tables.get("readout") is None:
        raise InputError(
            f'{where}: the table "readout" is missing; add [readout] with name = one of {", ".join(readouts)}'
        )
    plain = {CHAIN: tables["cell"]} if tables.get("cell") is not None else tables["layers"]
    return _network(plain, tables["readout"], where, "cell" if tables.get("cell") is not None else "layers.{}")


def _network(plain: dict[str, Any], readout: dict[str, Any], where: str, places: str) -> NetworkArchitecture:
    reserved = {INPUT, READOUT} & set(plain)
    if reserved:
        raise InputError(f'{where}: a layer cannot be called "{reserved.pop()}"; this name is reserved')
    before, wires, cards = INPUT, [], {}
    keys: dict[str, LayerKeys] = {}
    plain = written_out(plain, where)
    for name, table in plain.items():
        here = f"{where}.{places.format(name)}"
        keys[name], own = split_table(table, here)
        wires += keys[name].wires(name, before, here)
        cards[name] = _card(own, here, cells)
        before = name
    keys[READOUT], own = split_table(readout, f"{where}.readout")
    wires += keys[READOUT].wires(READOUT, before, f"{where}.readout")
    for wire in wires:
        try:
            wire.check([*plain, READOUT])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    made = NetworkArchitecture(
        cards, _card(own, f"{where}.readout", readouts), tuple(wires),
        tuple(one for name, said in keys.items() for one in said.constraints(name, wires, where)),
        {name: said.learn_start for name, said in keys.items() if said.learn_start},
        tuple(name for name, said in keys.items() if said.takes_start),
    )  # fmt: skip
    if made.constraints or made.learned_starts or any(wire.along != "time" for wire in wires):
        try:
            with torch.device("meta"):
                made.build(1, 1, "values", None)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return made


def _card(data: dict[str, Any], where: str, registry: Registry[Any]) -> Any:
    return check_card(data, look_up(data, registry, where).Card, where)
