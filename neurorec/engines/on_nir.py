"""Runs a NIR graph (the Neuromorphic Intermediate Representation) step by step, whoever wrote it.

A file leaves open several choices that determine spikes; they are `NirOptions`. Products and sums use the same torch calls in
the same order as neurorec's own cells, so the float32 numbers are equal, not just close.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.neurons import DelayLine, Neuron, Stateful, stateful_node, total
from neurorec.engines.nir_graph.nir_options import NirOptions, promised_options
from neurorec.engines.nir_graph.reading import SPIKING, STATEFUL, NirGraph, flat_graph, read_nir
from neurorec.engines.nir_graph.stated_options import options_from_text, read_settings
from neurorec.engines.nir_graph.stateless import Function, stateless_function

Watch = Callable[[str, Sequence[Tensor], Tensor], None]  #: node, inputs along each of its edges, output

__all__ = [
    "NirGraph",
    "NirOptions",
    "NirRun",
    "batched",
    "flat_graph",
    "options_from_text",
    "promised_options",
    "read_nir",
    "read_settings",
    "run_nir",
]


@dataclass(frozen=True)
class NirRun:
    """Recorded signals. There is always a batch axis (B = 1 for an input without one)."""

    outputs: dict[str, Tensor]  #: [T, B, ...] input of each Output node
    spikes: dict[str, Tensor]  #: [T, B, ...] spikes of each spiking node
    potentials: dict[str, Tensor] = field(default_factory=dict)  #: [T, B, ...] v after the reset, if requested

    @property
    def output(self) -> Tensor:
        """[T, B, ...] of the only Output node."""
        if len(self.outputs) != 1:
            raise InputError(
                f"the graph has {len(self.outputs)} outputs: {', '.join(self.outputs)}; select one by name"
            )
        return next(iter(self.outputs.values()))


@torch.no_grad()
def run_nir(
    graph: NirGraph, x: Any, options: NirOptions, record_potentials: bool = False, watch: Watch | None = None
) -> NirRun:
    """Run `graph` on x [T, B, ...] or [T, ...]; the remaining axes are those of its Input node.

    `watch` is called for every node but the Input in every step.

    Raises
    ------
    InputError
        If x does not fit the Input node, or if numbers become NaN or infinite.
    """
    dtype = getattr(torch, options.precision)
    x = batched(graph, torch.as_tensor(x).to("cpu", dtype))
    _check_finite(graph, options, {graph.input: x})
    nodes = _Nodes(graph, options, watch, len(x))
    sent, states = nodes.before_first_step(x[0])
    recorded: dict[str, list[Tensor]] = {name: [] for name in (*graph.outputs, *graph.of_kind(*SPIKING))}
    potentials: dict[str, list[Tensor]] = {name: [] for name in nodes.potentials} if record_potentials else {}
    for x_t in x:
        sent, states = nodes.step(x_t, sent, states)
        for name, steps in recorded.items():
            steps.append(sent[name])
        for name, steps in potentials.items():
            steps.append(states[name].v)
    _check_finite(graph, options, {name: states[name].v for name in nodes.potentials})
    stacked = {name: _stack(steps, options.output_delayed) for name, steps in recorded.items()}
    _check_finite(graph, options, stacked)
    outputs = {name: stacked.pop(name) for name in graph.outputs}
    return NirRun(outputs, stacked, {name: _stack(steps, delayed=False) for name, steps in potentials.items()})


class _Nodes:
    """The nodes of a graph, ready to step; outputs and states are arguments and results."""

    def __init__(self, graph: NirGraph, options: NirOptions, watch: Watch | None, steps: int) -> None:
        self.graph, self.options, self.watch = graph, options, watch
        self.late = graph.edges_to_next_layers() if options.layers_delayed else set()
        self.neurons: dict[str, Stateful] = {}
        self.functions: dict[str, Function] = {}
        for name in graph.order:
            node = graph.nodes[name]
            if type(node).__name__ in STATEFUL:
                self.neurons[name] = _bounded_delay(name, node, options, graph.where, steps)
            else:
                self.functions[name] = stateless_function(node, getattr(torch, options.precision))
        self.potentials = [name for name, neuron in self.neurons.items() if isinstance(neuron, Neuron)]

    def before_first_step(self, x_t: Tensor) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What feedback edges deliver in the first step (zero, or recurrent biases only), and states at rest."""
        sent, states = {}, {}
        for name in self.graph.order:
            if name == self.graph.input:
                sent[name] = torch.zeros_like(x_t)
            elif name in self.neurons:
                sent[name] = x_t.new_zeros(x_t.shape[0], *_shape(self.graph.nodes[name].input_type))
                states[name] = self.neurons[name].start(sent[name])
            else:
                arrivals = [sent[source] for source, _ in self.graph.arrivals[name] if source in sent]
                rest = self.functions[name](total(arrivals))
                kept = self.options.recurrent_bias_at_start and type(self.graph.nodes[name]).__name__ not in SPIKING
                sent[name] = rest if kept else torch.zeros_like(rest)
        return sent, states

    def step(
        self, x_t: Tensor, before: dict[str, Tensor], states: dict[str, Any]
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """One step of every node: outputs and next states."""
        sent, after = {self.graph.input: x_t}, {}
        for name in self.graph.order[1:]:
            arrivals = [
                (before if feeds_back or (source, name) in self.late else sent)[source]
                for source, feeds_back in self.graph.arrivals[name]
            ]
            if name in self.neurons:
                sent[name], after[name] = self.neurons[name].step(states[name], arrivals)
            else:
                sent[name] = self.functions[name](total(arrivals))
            if self.watch is not None:
                self.watch(name, arrivals, sent[name])
        return sent, after


def _bounded_delay(name: str, node: Any, options: NirOptions, where: str, steps: int) -> Stateful:
    """The node, ready to step. A delay beyond the recording sends zeros, so it needs no more memory than the recording."""
    if type(node).__name__ == "Delay":
        node = copy(node)
        node.delay = np.minimum(np.asarray(node.delay, dtype=np.float64), 2**31 * options.dt)
    ready = stateful_node(name, node, options, where)
    return replace(ready, steps=ready.steps.clamp(max=steps)) if isinstance(ready, DelayLine) else ready


def _check_finite(graph: NirGraph, options: NirOptions, signals: dict[str, Tensor]) -> None:
    for name, signal in signals.items():
        if not torch.isfinite(signal).all():
            raise InputError(
                f'{graph.where}: node "{name}" holds NaN or infinite numbers during the run; check that the input is finite, '
                f"that dt_s ({options.dt_s:g}) is not much longer than the time constants, and how large the weights are"
            )


def _shape(node_type: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in next(iter(node_type.values())))


def batched(graph: NirGraph, x: Tensor) -> Tensor:
    """x with its batch axis, checked against the Input node."""
    shape = _shape(graph.nodes[graph.input].input_type)
    if x.ndim == 1 + len(shape):
        x = x[:, None]
    if tuple(x.shape[2:]) != shape or x.ndim < 2 or len(x) == 0:
        raise InputError(
            f'{graph.where}: the input has shape {tuple(x.shape)}, but its node "{graph.input}" '
            f"takes {list(shape)} per step; give [T, B, {', '.join(map(str, shape))}] with at least one time step T"
        )
    return x


def _stack(steps: list[Tensor], delayed: bool) -> Tensor:
    return torch.stack([torch.zeros_like(steps[0]), *steps[:-1]] if delayed else steps)
