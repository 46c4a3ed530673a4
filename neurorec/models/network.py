"""A network: named layers joined by wires. A plain torch module, time first.

A layer hears (receives as input) the concatenation of its incoming wires, in their order. A wire with delay 0 carries what its
source sends in the same step, one with delay 1 what it sent in the previous step (0 in the first). A layer's own recurrence is
inside the cell; wires that lead back through other layers (Jordan's context, feedback from depth) form a loop, which is run
step by step (`running.py`). With wires along something else than time, the network follows trees (`trees.py`), or reads a
sequence before it writes another (`encoder_decoder.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from neurorec.basics.errors import InputError
from neurorec.models.constraint import Constraint
from neurorec.models.constraints import Constraints
from neurorec.models.encoder_decoder import run_encoder_decoder, writers_of
from neurorec.models.layer import Layer, Signal, check_lengths, joined
from neurorec.models.readout import Readout
from neurorec.models.running import NetworkState, Unroll, nothing_delayed, one_step, run_over_time
from neurorec.models.trees import run_on_trees
from neurorec.models.wires import INPUT, NOT_BY_STEPS, Along, Structure, Wire, components_of, followed_by


class Network(nn.Module):
    """x [T, B, I] to y [T, B, O], the output of the layer `output`.

    `input_signal` says what the input lines carry ("spikes" or "values"); it is declared by the encoder, and determines
    whether input synapses cost accumulates or multiply-accumulates.

    Raises
    ------
    InputError
        For a wire to or from an unknown layer, a loop without a delay, or a layer whose size does not fit its wires.
    """

    def __init__(
        self,
        layers: Mapping[str, Layer],
        wires: tuple[Wire, ...],
        input_signal: Signal,
        input_size: int,
        output: str = "",
        constraints: Sequence[Constraint] = (),
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.wires, self.input_size = tuple(wires), input_size
        self.input_signal: Signal = input_signal
        self.output = output or list(layers)[-1]
        self._into = {name: tuple(wire for wire in self.wires if wire.target == name) for name in layers}
        self._from = {name: tuple(wire for wire in self.wires if wire.source == name) for name in (INPUT, *layers)}
        self.start_spreads: dict[str, float] = {}
        self.takes_start: tuple[str, ...] = ()  #: layers whose units start from values that samples give
        self.cut: frozenset[Wire] = frozenset()  #: delayed wires that carry nothing, for the frozen control
        self._check_wires()
        self.along: Along = followed_by(self.wires)
        self.writers = writers_of(list(layers), self.wires)  #: layers that write after others have read
        self.components = components_of(list(layers), self.wires)
        self.constraints = Constraints(self, constraints)

    def __getitem__(self, name: str) -> Any:
        """The layer called `name`."""
        return self.layers[name]

    # -- structure

    def signal_of(self, source: str) -> Signal:
        return self.input_signal if source == INPUT else self[source].output_signal

    def size_of(self, source: str) -> int:
        return self.input_size if source == INPUT else self[source].size

    def wires_into(self, target: str) -> tuple[Wire, ...]:
        return self._into.get(target, ())

    def heard_by(self, source: str) -> tuple[Wire, ...]:
        """The wires that carry what `source` sends."""
        return self._from.get(source, ())

    def lines_of(self, wire: Wire) -> slice:
        """The slice of the target's input lines that the wire occupies."""
        start = 0
        for one in self.wires_into(wire.target):
            if one == wire:
                return slice(start, start + self.size_of(wire.source))
            start += self.size_of(one.source)
        raise InputError(f"the network has no wire {wire.source} -> {wire.target}")

    @cached_property
    def hidden(self) -> dict[str, Layer]:
        """All layers but readouts, in order."""
        return {name: layer for name, layer in self.named_layers() if not isinstance(layer, Readout)}

    def named_layers(self) -> Iterator[tuple[str, Any]]:
        yield from self.layers.items()

    @property
    def title(self) -> str:
        """Its hidden layers, as in "LSTM" or "LSTM + LSTM"."""
        found = joined(layer.title for layer in self.hidden.values()) or self[self.output].title
        return found + " on trees" * (self.along == "tree")

    @property
    def not_by_steps(self) -> str | None:
        """How it runs, if its steps do not just follow each other, as in "runs on trees ..."."""
        return NOT_BY_STEPS.get(self.along)

    @property
    def spikes(self) -> bool:
        """Whether any layer sends spikes."""
        return any(layer.output_signal == "spikes" for _, layer in self.named_layers())

    @property
    def dt_ms(self) -> float | None:
        """Length of a time step; None if no layer has physical time."""
        found = (getattr(layer.card, "dt_ms", None) for _, layer in self.named_layers())
        return next((dt for dt in found if dt is not None), None)

    @property
    def parameter_count(self) -> int:
        """Trained numbers (a frozen recurrent matrix and fixed weights are not counted, tied weights once)."""
        return sum(self.trained_numbers(name) for name in self.layers)

    def trained_numbers(self, name: str, dim: int | None = None) -> int:
        """Trained numbers of a layer; with `dim` = 1 only the biases."""
        trained = [p for p in self[name].parameters() if p.requires_grad and dim in (None, p.dim())]
        return sum(p.numel() for p in trained) - self.constraints.untrained(name, dim)

    @property
    def recurrent_wires(self) -> tuple[Wire, ...]:
        """Delayed wires within loops of layers."""
        return tuple(
            wire for wire in self.wires
            if wire.delay and any({wire.source, wire.target} <= set(component) for component in self.components)
        )  # fmt: skip

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [weight for layer in self.hidden.values() for weight in layer.recurrent_weights()]

    def freeze_recurrence(self) -> None:
        """For the control: recurrent weights zero and feedback wires cut, so that memory is only in the units' own state."""
        for _, layer in self.named_layers():
            layer.freeze_recurrence()
        self.cut = frozenset(self.recurrent_wires)

    def reset_parameters(self, generator: torch.Generator) -> None:
        for _, layer in self.named_layers():
            layer.reset_parameters(generator)
        for name, spread in self.start_spreads.items():
            self[name].draw_start(spread, generator)
        self.constraints.start()

    # -- running

    def learn_start(self, name: str, share: float, spread: float) -> None:
        """Learn the initial state of this share of a layer's units, from random values of standard deviation `spread`."""
        self[name].learn_start(share)
        self.start_spreads[name] = spread

    def initial_state(self, batch: int) -> NetworkState:
        layers = {name: layer.start(batch) for name, layer in self.named_layers()}
        return NetworkState(layers, nothing_delayed(self, batch))

    def step(self, state: NetworkState, x: Tensor) -> tuple[Tensor, NetworkState]:
        """One step of the whole network: state and x [B, I] to y [B, O] and the next state. Free running (its own output as
        its next input) is a loop over this. Raises `InputError` for a network whose steps do not just follow each other."""
        if self.not_by_steps:
            raise InputError(f"{self.title} {self.not_by_steps}, and has no next step; use run")
        return one_step(self, state, x)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.run(x, lengths=lengths)[0][self.output]

    def run(
        self, x: Tensor, state: NetworkState | None = None, lengths: Tensor | None = None,
        unroll: Unroll | None = None, forced: Mapping[str, Tensor] | None = None, structure: Structure | None = None,
    ) -> tuple[dict[str, Tensor], NetworkState]:  # fmt: skip
        """Outputs of every layer, [T, B, H] by name, and the final state.

        Parameters
        ----------
        unroll : runs one layer over all steps; None: the plain loop over its `step`
        forced : by source, what its delayed wires carry instead of its output, [T, B, H] (teacher forcing): step t is
            received in step t + 1
        structure : of the samples, if the network follows one: trees (None: each step is the only child of the next), or where
            reading ends (None: in the middle)
        """
        if lengths is not None:
            check_lengths(lengths, x)
        if self.along == "tree":
            return run_on_trees(self, x, state, lengths, unroll, forced or {}, structure)
        if self.along == "reading":
            return run_encoder_decoder(self, x, state, lengths, unroll, forced or {}, structure)
        if structure is not None:
            raise InputError(f"{self.title} runs step by step, so give no structure (got {type(structure).__name__})")
        return run_over_time(self, x, state, lengths, unroll, forced or {})

    def _check_wires(self) -> None:
        for wire in self.wires:
            wire.check(self.layers)
        if len(set(self.wires)) < len(self.wires):
            raise InputError("two wires of the network are identical; remove one")
        for name, layer in self.named_layers():
            heard = sum(self.size_of(wire.source) for wire in self.wires_into(name))
            if heard != layer.input_size:
                raise InputError(f'layer "{name}" has {layer.input_size} input lines, but its wires carry {heard}')


def chain(hidden: Layer, readout: Readout, input_signal: Signal) -> Network:
    """The simplest network: input, one recurrent layer called "hidden", and a readout called "readout"."""
    wires = (Wire(INPUT, "hidden"), Wire("hidden", "readout"))
    return Network({"hidden": hidden, "readout": readout}, wires, input_signal, hidden.input_size)
