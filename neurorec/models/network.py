"""A network: named layers joined by wires. A plain torch module, time first.

A layer hears (receives as input) the concatenation of its incoming wires, in their order. A wire with delay 0 carries what its
source sends in the same step, one with delay 1 what it sent in the previous step (0 in the first). A layer's own recurrence is
inside the cell; wires that lead back through other layers (Jordan's context, feedback from depth) form a loop, which is run
step by step. With wires along a tree, the network runs node by node (`models/trees.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.errors import InputError
from neurorec.basics.reading_ends import Reading
from neurorec.basics.tree import Tree
from neurorec.models.constraint import Constraint
from neurorec.models.constraints import Constraints
from neurorec.models.encoder_decoder import run_encoder_decoder, writers_of
from neurorec.models.layer import Layer, Signal, check_lengths, joined
from neurorec.models.readout import Readout
from neurorec.models.trees import run_on_trees
from neurorec.models.wires import INPUT, Wire, components_of

Unroll = Callable[[Layer, Tensor, Any, Tensor | None], tuple[Tensor, Any]]


class NetworkState(NamedTuple):
    """Everything a network carries from step to step."""

    layers: dict[str, Any]  #: each layer's own state
    delayed: dict[Wire, Tensor]  #: [B, H] what each delayed wire delivers in the next step


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
        self.tree_wires = tuple(wire for wire in self.wires if wire.along == "tree")
        self.reading_wires = tuple(wire for wire in self.wires if wire.along == "reading")
        self.writers = writers_of(list(layers), self.wires) if self.reading_wires else frozenset()
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
        return found + " on trees" * bool(self.tree_wires)

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
        return NetworkState(layers, self._nothing_delayed(batch))

    def _nothing_delayed(self, batch: int) -> dict[Wire, Tensor]:
        delayed = [wire for wire in self.wires if wire.delay and wire.along == "time"]
        reference = next(self.parameters()) if delayed else None
        return {wire: reference.new_zeros(batch, self.size_of(wire.source)) for wire in delayed}  # type: ignore[union-attr]

    def step(self, state: NetworkState, x: Tensor) -> tuple[Tensor, NetworkState]:
        """One step of the whole network: state and x [B, I] to y [B, O] and the next state. Free running (its own output as
        its next input) is a loop over this. Raises `InputError` for a network on trees, where nothing is the next step."""
        if self.tree_wires or self.reading_wires:
            how = "on trees, node by node" if self.tree_wires else "first to read, then to write"
            raise InputError(f"{self.title} runs {how}, and has no next step; use run")
        sent, states = {INPUT: x}, dict(state.layers)
        for component in self.components:
            self._step_layers(component, states, sent, state.delayed)
        return sent[self.output], NetworkState(states, {wire: self._brought(wire, sent) for wire in state.delayed})

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.run(x, lengths=lengths)[0][self.output]

    def run(
        self, x: Tensor, state: NetworkState | None = None, lengths: Tensor | None = None,
        unroll: Unroll | None = None, forced: Mapping[str, Tensor] | None = None, without_output: bool = False,
        tree: Tree | None = None, reading: Reading | None = None, brought: Mapping[Wire, Tensor] | None = None,
        only: Sequence[str] | None = None,
    ) -> tuple[dict[str, Tensor], NetworkState]:  # fmt: skip
        """Outputs of every layer, [T, B, H] by name, and the final state.

        Parameters
        ----------
        unroll : runs one layer over all steps; None: the plain loop over its `step`
        forced : by source, what its delayed wires carry instead of its output, [T, B, H] (teacher forcing): step t is
            received in step t + 1
        without_output : omit the output layer (no other layer may hear it)
        tree : for a network with wires along a tree: the trees; None: each step is the only child of the next
        reading : for a network with wires along reading: where reading ends; None: in the middle
        only : run only these layers, which must hear no others but by `brought`
        brought : by wire, what it delivers in each step, [T, B, H], instead of what its source sends
        """
        if lengths is not None:
            check_lengths(lengths, x)
        if self.tree_wires and brought is None:
            if state is not None or forced:
                raise InputError(
                    f"{self.title} runs on trees: every node starts anew, so give neither state nor forced"
                )
            return run_on_trees(self, x, tree, lengths, unroll), NetworkState({}, {})
        if self.reading_wires and brought is None:
            if state is not None:
                raise InputError(f"{self.title} starts anew when it reads and when it writes, so give no state")
            return run_encoder_decoder(self, x, reading, lengths, unroll, forced or {})
        forced, brought = forced or {}, brought or {}
        start = NetworkState({}, self._nothing_delayed(x.shape[1])) if state is None else state
        sent, states = {INPUT: x}, dict(start.layers)
        unforced = [wire for wire in self.wires if not (wire.delay and wire.source in forced) and wire not in brought]
        for component in components_of(list(self.layers), unforced) if forced or brought else self.components:
            if only is not None and component[0] not in only:
                continue
            inside = [wire for wire in unforced if {wire.source, wire.target} <= set(component)]
            if inside:
                states |= {name: self[name].start(x.shape[1]) for name in component if name not in states}
                self._run_loop(component, inside, sent, states, start.delayed, lengths, forced, brought)
                continue
            (name,) = component
            if without_output and name == self.output:
                continue
            lines = [self._line(wire, sent, start.delayed, forced, brought) for wire in self.wires_into(name)]
            heard = lines[0] if len(lines) == 1 else torch.cat(lines, -1)
            sent[name], states[name] = (unroll or _plain)(self[name], heard, states.get(name), lengths)
        after = {
            wire: _last(self._brought(wire, sent, forced), before, lengths) if wire.source in sent else before
            for wire, before in start.delayed.items()
        }
        return sent, NetworkState(states, after)

    def _brought(self, wire: Wire, sent: Mapping[str, Tensor], forced: Mapping[str, Tensor] | None = None) -> Tensor:
        """What enters a wire, in one step or in all: the source's output, or what is forced on its delayed wires."""
        if wire.delay and forced is not None and wire.source in forced:
            carried = forced[wire.source]
        else:
            carried = wire.carried(sent[wire.source])
        return torch.zeros_like(carried) if wire in self.cut else carried

    def _line(
        self, wire: Wire, sent: Mapping[str, Tensor], delayed: Mapping[Wire, Tensor], forced: Mapping[str, Tensor],
        brought: Mapping[Wire, Tensor],
    ) -> Tensor:  # fmt: skip
        """What a wire delivers in all steps, [T, B, H]."""
        if wire in brought:
            return brought[wire]
        values = self._brought(wire, sent, forced)
        return torch.cat([delayed[wire][None], values[:-1]])[: len(values)] if wire.delay else values

    def _run_loop(
        self, component: tuple[str, ...], inside: list[Wire], sent: dict[str, Tensor], states: dict[str, Any],
        delayed: Mapping[Wire, Tensor], lengths: Tensor | None, forced: Mapping[str, Tensor],
        brought: Mapping[Wire, Tensor],
    ) -> None:  # fmt: skip
        """Run layers that feed back into each other step by step; external inputs are known for all steps."""
        outside = {
            wire: self._line(wire, sent, delayed, forced, brought)
            for name in component for wire in self.wires_into(name) if wire not in inside
        }  # fmt: skip
        outputs: dict[str, list[Tensor]] = {name: [] for name in component}
        back = {wire: delayed[wire] for wire in inside if wire.delay}
        for t in range(len(sent[INPUT])):
            now: dict[str, Tensor] = {}
            old = dict(states)
            self._step_layers(component, states, now, {**back, **{wire: line[t] for wire, line in outside.items()}})
            if lengths is not None:
                runs = (t < lengths)[:, None]
                for name in component:
                    now[name] = torch.where(runs, now[name], 0)
                    states[name] = type(states[name])(
                        *(torch.where(runs, a, b) for a, b in zip(states[name], old[name], strict=True))
                    )
            back = {wire: self._brought(wire, now) for wire in back}
            for name in component:
                outputs[name].append(now[name])
        B = sent[INPUT].shape[1]
        for name, steps in outputs.items():
            sent[name] = torch.stack(steps) if steps else sent[INPUT].new_zeros(0, B, self[name].size)

    def _step_layers(
        self, names: Iterable[str], states: dict[str, Any], sent: dict[str, Tensor], known: Mapping[Wire, Tensor]
    ) -> None:
        """One step of some layers, in order; updates `sent` and `states`. `known`: what delayed or external wires deliver."""
        for name in names:
            lines = [known[wire] if wire in known else self._brought(wire, sent) for wire in self.wires_into(name)]
            sent[name], states[name] = self[name].step(states[name], torch.cat(lines, -1))

    def _check_wires(self) -> None:
        for wire in self.wires:
            wire.check(self.layers)
        if len(set(self.wires)) < len(self.wires):
            raise InputError("two wires of the network are identical; remove one")
        for name, layer in self.named_layers():
            heard = sum(self.size_of(wire.source) for wire in self.wires_into(name))
            if heard != layer.input_size:
                raise InputError(f'layer "{name}" has {layer.input_size} input lines, but its wires carry {heard}')


def _plain(layer: Layer, x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
    return layer(x, state, lengths)


def _last(values: Tensor, before: Tensor, lengths: Tensor | None) -> Tensor:
    """The value in each sample's last step, or `before` for samples without steps."""
    if not len(values):
        return before
    if lengths is None:
        return values[-1]
    last = values[(lengths - 1).clamp_min(0), torch.arange(len(lengths), device=values.device)]
    return torch.where((lengths > 0)[:, None], last, before)


def chain(hidden: Layer, readout: Readout, input_signal: Signal) -> Network:
    """The simplest network: input, one recurrent layer called "hidden", and a readout called "readout"."""
    wires = (Wire(INPUT, "hidden"), Wire("hidden", "readout"))
    return Network({"hidden": hidden, "readout": readout}, wires, input_signal, hidden.input_size)
