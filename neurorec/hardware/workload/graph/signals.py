"""The role of each node of a NIR graph for hardware (a unit, synapses, or routing) and its output signal.

Neurons with a threshold send spikes, those without one send values. Synapses (weighted nodes) send currents: sums received by a
neuron. If no neuron receives them (but another weighted node, or the Output), their elements are units that send values.
Pooling, flattening and delays of spikes are routing: the spikes arrive as spikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from neurorec.engines.nir_graph.reading import SPIKING, STATEFUL, NirGraph

Signal = Literal["spikes", "values", "currents"]
NEURONS = tuple(kind for kind in STATEFUL if kind != "Delay")
WEIGHTED = ("Affine", "Linear", "Conv1d", "Conv2d", "Scale")
POOLS = ("SumPool2d", "AvgPool2d")


def kind_of(graph: NirGraph, name: str) -> str:
    return type(graph.nodes[name]).__name__


def shape_of(node: Any, end: Literal["input", "output"]) -> tuple[int, ...]:
    ports = node.input_type if end == "input" else node.output_type
    shape = tuple(int(size) for size in next(iter(ports.values())))
    if end == "input" and hasattr(node, "groups"):  # nir 1.0.8 gives the channels per group
        return (np.asarray(node.weight).shape[1] * int(node.groups), *shape[1:])
    return shape


def size_of(node: Any, end: Literal["input", "output"] = "output") -> int:
    return prod(shape_of(node, end))


def pool_area(node: Any) -> int:
    sizes = np.atleast_1d(node.kernel_size)
    return int(np.prod(sizes if len(sizes) > 1 else [sizes[0]] * 2))


@dataclass(frozen=True)
class Roles:
    """Input and output signal of every node. `per_spike`: factor that converts its output to a number of spikes."""

    arriving: dict[str, Signal]
    sent: dict[str, Signal]
    per_spike: dict[str, int]
    units: tuple[str, ...]
    readout: frozenset[str]  #: units without a threshold that only the Output hears, and the synapses to them
    unheard_at_last: frozenset[str]  #: nodes whose output in the last step would only be received after the end

    def is_synapses(self, graph: NirGraph, name: str) -> bool:
        """Whether the node multiplies its input by weights, rather than scaling a current."""
        kind = kind_of(graph, name)
        return kind in WEIGHTED and not (kind == "Scale" and self.arriving[name] == "currents")


def roles_of(graph: NirGraph, input_signal: Literal["spikes", "values"]) -> Roles:
    arriving, sent = _signals(graph, input_signal)
    heard_by = {name: _listeners(graph, name, arriving) for name in graph.order}
    units = tuple(name for name in graph.order if _is_unit(graph, name, sent, heard_by[name]))
    readout = {name for name in units if sent[name] != "spikes" and heard_by[name] == {"Output"}}
    for name in reversed(graph.order):  # nodes that lead only to a readout belong to it
        targets = {to for to in graph.order for source, _ in graph.arrivals[to] if source == name}
        if name not in units and kind_of(graph, name) in (*WEIGHTED, *POOLS) and targets and targets <= readout:
            readout.add(name)
    return Roles(arriving, sent, _per_spike(graph, sent), units, frozenset(readout), _unheard_at_last(graph))


def _signals(graph: NirGraph, input_signal: Signal) -> tuple[dict[str, Signal], dict[str, Signal]]:
    """Two passes over the graph: signals of feedback edges are known in the second one."""
    sent: dict[str, Signal] = {graph.input: input_signal}
    arriving: dict[str, Signal] = {graph.input: input_signal}
    for name in graph.order[1:] * 2:
        signals: list[Signal] = [sent[source] for source, _ in graph.arrivals[name] if source in sent]
        mixed: Signal = "values"
        arriving[name] = signals[0] if len(set(signals)) == 1 else mixed
        kind = kind_of(graph, name)
        if kind in SPIKING:
            sent[name] = "spikes"
        elif kind in NEURONS:
            sent[name] = "values"
        else:
            sent[name] = "currents" if kind in WEIGHTED else arriving[name]
    return arriving, sent


def _listeners(graph: NirGraph, name: str, arriving: dict[str, Signal]) -> set[str]:
    """Kinds of the nodes that hear `name`, through routing and through scales of currents."""
    found, seen, waiting = set(), {name}, [name]
    while waiting:
        here = waiting.pop()
        for to in graph.order:
            if to in seen or all(source != here for source, _ in graph.arrivals[to]):
                continue
            kind = kind_of(graph, to)
            passes_on = kind in ("Input", "Output", "Flatten", "Delay", *POOLS) and to not in graph.outputs
            if passes_on or (kind == "Scale" and arriving[to] == "currents"):
                seen.add(to)
                waiting.append(to)
            else:
                found.add("Output" if to in graph.outputs else kind)
    return found


def _is_unit(graph: NirGraph, name: str, sent: dict[str, Signal], heard_by: set[str]) -> bool:
    kind = kind_of(graph, name)
    if kind in (*NEURONS, "Threshold"):
        return True
    return kind in WEIGHTED and sent[name] == "currents" and bool(heard_by & {"Output", *WEIGHTED})


def _per_spike(graph: NirGraph, sent: dict[str, Signal]) -> dict[str, int]:
    """An average pool over n elements sends 1/n per spike."""
    factors = dict.fromkeys(graph.order, 1)
    for name in graph.order[1:]:
        if sent[name] == "spikes" and kind_of(graph, name) not in SPIKING:
            area = pool_area(graph.nodes[name]) if kind_of(graph, name) == "AvgPool2d" else 1
            factors[name] = area * max(factors[source] for source, _ in graph.arrivals[name])
    return factors


def _unheard_at_last(graph: NirGraph) -> frozenset[str]:
    """Stateless nodes whose outgoing edges all lead to feedback edges: recurrent weights."""
    unheard: set[str] = set()
    for name in reversed(graph.order):
        ways = [(to, back) for to in graph.order for source, back in graph.arrivals[to] if source == name]
        stateless = kind_of(graph, name) not in STATEFUL
        if stateless and ways and all(back or to in unheard for to, back in ways):
            unheard.add(name)
    return frozenset(unheard)


def sources_of(graph: NirGraph, roles: Roles, name: str) -> set[str]:
    """The units and the Input that `name` hears, through routing and through synapses of a neuron."""
    found, seen, waiting = set(), set(), [source for source, _ in graph.arrivals[name]]
    while waiting:
        here = waiting.pop()
        if here in roles.units or here == graph.input:
            found.add(here)
        elif here not in seen:
            seen.add(here)
            waiting += [source for source, _ in graph.arrivals[here]]
    return found
