"""The description of a network, as read by `neurorec cost FILE.toml`. Examples: docs/networks/.

Layers are in order; each hears the previous one unless `hears` says otherwise (the first hears the input, if there
is one). `depth` repeats a layer as a chain, `copies` as parallel branches with the same sources and targets. A "lif" layer
without a firing rate must be the last one: it is then the readout, whose units are neurons that never spike.

Wires drawn at random are the same for every chip. `random_fan_in` gives, for any layers (including its own), the number of
their units that each unit receives, one step later; such a layer hears nothing else unless `hears` says so. `lattice` arranges
a layer in space: its `recurrent_fan_in` synapses then come from neighbouring units, `reach` lattice steps away in each
direction (standard deviation).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from neurorec.basics.cards import Card, load_card
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.numbers import (
    Count,
    Distinct,
    Gain,
    Price,
    PriceOrZero,
    Probability,
    RateOrZeroHz,
    Repeats,
    Steps,
    TimeMs,
)
from neurorec.models.wires import INPUT


class Firing(Card):
    """Mean firing rate of a line, in at most one of two units."""

    spikes_per_step: Probability | None = None  #: per line and step
    rate_Hz: RateOrZeroHz | None = None  #: per line; needs dt_ms

    @property
    def states_rate(self) -> bool:
        return self.spikes_per_step is not None or self.rate_Hz is not None

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.spikes_per_step is not None and self.rate_Hz is not None:
            raise ValueError("give spikes_per_step or rate_Hz, not both")
        return self


class Input(Firing):
    size: Count
    signal: Literal["spikes", "values"]
    spikes_per_inference: PriceOrZero | None = None  #: of all lines together

    @model_validator(mode="after")
    def _spikes_or_values(self) -> Self:
        ways = int(self.states_rate) + (self.spikes_per_inference is not None)
        if self.signal == "spikes" and ways != 1:
            raise ValueError("an input of spikes needs one of spikes_per_step, rate_Hz, spikes_per_inference")
        if self.signal == "values" and ways:
            raise ValueError("an input of values has no firing rate; omit it")
        return self


class LayerCard(Firing):
    name: str
    size: Count
    hears: Distinct[str] | None = None  #: names of layers, or "input"
    depth: Repeats = 1
    copies: Repeats = 1
    fan_in: Count | None = None  #: synapses per unit from each layer that it hears; absent: all-to-all
    recurrent: bool = False  #: all-to-all within the layer
    recurrent_fan_in: Count | None = None  #: or this number per unit
    random_fan_in: dict[str, Count] = Field(default_factory=dict)
    lattice: list[Count] | None = Field(None, min_length=3, max_length=3)  #: units along x, y and z
    reach: Gain | None = None

    @model_validator(mode="after")
    def _wired_once(self) -> Self:
        if (self.lattice is None) != (self.reach is None):
            raise ValueError(f'layer "{self.name}": lattice and reach must be given together')
        if self.lattice and (math.prod(self.lattice) != self.size or not self.recurrent_fan_in):
            raise ValueError(
                f'layer "{self.name}": a lattice of {" x ".join(map(str, self.lattice))} needs size = '
                f"{math.prod(self.lattice)} and a recurrent_fan_in"
            )
        if (self.random_fan_in or self.lattice) and self.depth * self.copies > 1:
            raise ValueError(f'layer "{self.name}": wires are drawn for single layers; omit depth and copies')
        return self


class Description(Card):
    about: str
    neuron: Literal["lif", "relu", "tanh"]
    steps: Steps
    dt_ms: TimeMs | None = None
    waits: bool = False  #: each step takes dt_ms, even on a chip that could run faster
    batch: Count = 1
    clock_MHz: Price | None = None  #: for a chip whose card has power per MHz
    input: Input | None = None
    layer: list[LayerCard] = Field(min_length=1)

    @model_validator(mode="after")
    def _layers_fit_together(self) -> Self:
        known = [INPUT] if self.input else []
        for at, layer in enumerate(self.layer):
            for source in layer.hears or ():
                if source not in known:
                    hint = did_you_mean(source, known)
                    raise ValueError(f'layer "{layer.name}" hears "{source}", which is not an earlier layer{hint}')
            if layer.name in known:
                raise ValueError(f'two layers are called "{layer.name}"; names must be unique')
            known.append(layer.name)
            self._check_firing(layer, is_last=at == len(self.layer) - 1)
        for layer in self.layer:
            self._check_random(layer)
        if self.input and (self.input.spikes_per_inference or 0.0) > self.input.size * self.steps:
            raise ValueError(
                f"input: {self.input.spikes_per_inference:g} spikes per inference are more than one per line and step "
                f"({self.input.size:,} lines, {self.steps:,} steps)"
            )
        return self

    def _check_random(self, layer: LayerCard) -> None:
        of = {other.name: other for other in self.layer}
        for source, fan_in in layer.random_fan_in.items():
            if source not in of:
                raise ValueError(
                    f'layer "{layer.name}": random_fan_in: there is no "{source}"{did_you_mean(source, of)}'
                )
            if of[source].depth * of[source].copies > 1 or not of[source].states_rate:
                raise ValueError(f'layer "{layer.name}": random_fan_in: "{source}" must be a single spiking layer')
            if fan_in > of[source].size:
                raise ValueError(
                    f'layer "{layer.name}": random_fan_in: {fan_in} from "{source}", which has only {of[source].size} units'
                )

    def _check_firing(self, layer: LayerCard, is_last: bool) -> None:
        if self.neuron != "lif" and layer.states_rate:
            raise ValueError(f'layer "{layer.name}": {self.neuron} units send values, so omit its firing rate')
        if self.neuron == "lif" and not is_last and not layer.states_rate:
            raise ValueError(f'layer "{layer.name}" spikes: give spikes_per_step or rate_Hz (0 for no spikes)')
        if layer.recurrent and layer.recurrent_fan_in:
            raise ValueError(f'layer "{layer.name}": give recurrent = true or recurrent_fan_in, not both')
        needs_dt = [firing for firing in (layer, self.input) if firing and firing.rate_Hz is not None]
        if (needs_dt or self.waits) and self.dt_ms is None:
            raise ValueError("rate_Hz and waits need dt_ms, the length of a step")
        for firing in needs_dt:
            if (firing.rate_Hz or 0.0) * (self.dt_ms or 0.0) > 1000.0:
                raise ValueError(f"{firing.rate_Hz:g} Hz is more than one spike per step of {self.dt_ms:g} ms")


def load_description(path: Path) -> Description:
    """Raises `InputError` naming file, key, the given value and what was expected."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such description; copy one from docs/networks/ and edit it")
    return load_card(path, Description)
