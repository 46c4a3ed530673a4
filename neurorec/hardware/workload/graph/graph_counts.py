"""Exact counts of an observed NIR graph, node by node, in the `Operations` that pricing takes.

The rules are those of `hardware/workload/operations.py`; a graph that neurorec wrote counts as the network it was written from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neurorec.hardware.counts import LAYERS, Counts, Kind
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.graph.connections import stored_weights
from neurorec.hardware.workload.graph.signals import NEURONS, POOLS, kind_of, pool_area, size_of, sources_of
from neurorec.hardware.workload.graph.watch import ObservedGraph
from neurorec.hardware.workload.operations import Operations
from neurorec.hardware.workload.step_counts import StepCounts
from neurorec.models.cells.lif import ELEMENTWISE_PER_UNIT, STATE_PER_UNIT

#: of one neuron in one step: operations beside the synapses (additions, multiplications, a comparison), and numbers kept
ELEMENTWISE = {"CubaLIF": ELEMENTWISE_PER_UNIT, "LIF": 4, "IF": 2, "Threshold": 1, "CubaLI": 3, "LI": 2, "I": 1}
STATE = {"CubaLIF": STATE_PER_UNIT, "CubaLI": 2, "LIF": 1, "IF": 1, "LI": 1, "I": 1}


@dataclass(frozen=True)
class NodeCounts:
    """`kind` as in NIR; `hears` what arrives."""

    name: str
    kind: str
    hears: str
    elements: int
    counts: Counts


def count_graph(seen: ObservedGraph) -> tuple[Operations, list[NodeCounts]]:
    """Totals, and every node that does anything."""
    graph, roles = seen.graph, seen.roles
    nodes = [_count(seen, name) for name in graph.order if name != graph.input]
    hidden = [name for name in roles.units if name not in roles.readout]
    spiking_input = roles.sent[graph.input] == "spikes"
    operations = Operations(
        cell_name="lif" if all(roles.sent[name] == "spikes" for name in hidden) else "elman",
        samples=seen.samples,
        steps=seen.steps,
        input_spikes=int(seen.input_spikes.sum()),
        input_values=0 if spiking_input else seen.samples * seen.steps * len(seen.input_spikes),
        cell=_sum(node.counts for node in nodes if node.name not in roles.readout),
        readout=_sum(node.counts for node in nodes if node.name in roles.readout),
        stores=_stores(seen),
        hidden_units=sum(size_of(graph.nodes[name]) for name in hidden),
        output_units=sum(size_of(graph.nodes[name]) for name in roles.units if name in roles.readout),
        dt_ms=seen.dt_ms,
        per_step=_per_step(seen, nodes),
    )
    return operations, [node for node in nodes if node.counts != Counts()]


def _per_step(seen: ObservedGraph, nodes: list[NodeCounts]) -> StepCounts:
    """[T]; multiply-accumulates and neuron updates are the same in every step."""
    none, readout = np.zeros(seen.steps, dtype=np.int64), seen.roles.readout

    def events(of_readout: bool) -> np.ndarray:
        return sum((steps for name, steps in seen.events_steps.items() if (name in readout) == of_readout), none)

    def each(total: int) -> np.ndarray:
        return none + total // seen.steps

    return StepCounts(
        cell_events=events(False),
        cell_macs=each(sum(node.counts.macs for node in nodes if node.name not in readout)),
        readout_events=events(True),
        readout_macs=each(sum(node.counts.macs for node in nodes if node.name in readout)),
        spikes=sum(seen.sent_steps.values(), none),
        neuron_updates=each(sum(node.counts.neuron_updates for node in nodes if node.name not in readout)),
        arriving=seen.input_steps,
        running=none + seen.samples,
    )


def _count(seen: ObservedGraph, name: str) -> NodeCounts:
    graph, roles, node = seen.graph, seen.roles, seen.graph.nodes[name]
    kind, runs = kind_of(graph, name), seen.samples * seen.steps
    counts = Counts()
    if roles.is_synapses(graph, name):
        counts = _synapses(seen, name, seen.fan_out[name])
    elif kind == "Scale" or (kind in POOLS and roles.arriving[name] != "spikes"):
        counts = Counts(elementwise=runs * size_of(node) * (pool_area(node) if kind in POOLS else 1))
    elif kind in NEURONS:
        counts = _straight(seen, name)
    if name in roles.units:
        counts += _units(seen, name)
    return NodeCounts(name, kind, roles.arriving[name], size_of(node), counts)


def _synapses(seen: ObservedGraph, name: str, reached: np.ndarray) -> Counts:
    node, runs = seen.graph.nodes[name], seen.samples * seen.steps
    spikes = seen.arrived.get(name) if seen.roles.arriving[name] == "spikes" else None
    events = 0 if spikes is None else int(spikes @ reached)
    macs = runs * int(reached.sum()) if spikes is None else 0
    lines = reached > 0
    return Counts(
        synaptic_events=events,
        macs=macs,
        dense_macs=runs * int(reached.sum()),
        elementwise=runs * size_of(node) if hasattr(node, "bias") else 0,
        weight_reads=events + macs,
        activation_reads=runs * int(lines.sum()) if spikes is None else 0,
        address_reads=0 if spikes is None else int(spikes[lines].sum()),
    )


def _straight(seen: ObservedGraph, name: str) -> Counts:
    """Spikes that reach a neuron without weights meet one synapse each; values are added."""
    roles, runs, size = seen.roles, seen.samples * seen.steps, size_of(seen.graph.nodes[name])
    signals = [roles.sent[source] for source, _ in seen.graph.arrivals[name]]
    events = int(seen.arrived[name].sum()) if name in seen.arrived else 0
    return Counts(
        synaptic_events=events,
        dense_macs=runs * size * signals.count("spikes"),
        elementwise=runs * size * signals.count("values"),
        weight_reads=events,
        activation_reads=runs * size * signals.count("values"),
        address_reads=events,
    )


def _units(seen: ObservedGraph, name: str) -> Counts:
    node, kind, runs = seen.graph.nodes[name], kind_of(seen.graph, name), seen.samples * seen.steps
    size, spikes = size_of(node), int(seen.sent[name].sum()) if name in seen.sent else 0
    values = 0 if name in seen.sent else runs * size
    plain_readout = name in seen.roles.readout and kind not in NEURONS  # sums that nothing keeps
    state = runs * size * STATE.get(kind, 0)
    return Counts(
        neuron_updates=0 if plain_readout else runs * size,
        active_neuron_updates=spikes,
        spikes=spikes,
        values_sent=values,
        elementwise=runs * size * ELEMENTWISE.get(kind, 0),
        state_reads=state,
        state_writes=state,
        activation_writes=values,
        address_writes=spikes,
    )


def _stores(seen: ObservedGraph) -> tuple[Store, ...]:
    """Of each layer: weights and biases, state, and one step of the lines that it hears and sends on."""
    graph, roles = seen.graph, seen.roles
    stores: list[Store] = []
    for layer in LAYERS:
        names = [
            name for name in graph.order if (name in roles.readout) == (layer == "readout") and name != graph.input
        ]
        synapses = [name for name in names if roles.is_synapses(graph, name)]
        units = {name for name in names if name in roles.units}
        lines = units.union(*(sources_of(graph, roles, name) for name in {*synapses, *units}))
        words: dict[Kind, int] = {
            "weight": sum(stored_weights(graph.nodes[name]) for name in synapses),
            "state": sum(STATE.get(kind_of(graph, name), 0) * size_of(graph.nodes[name]) for name in names),
            **dict.fromkeys(("activation", "address"), sum(size_of(graph.nodes[name]) for name in lines)),
        }
        stores += [Store(layer, kind, count) for kind, count in words.items()]
    return tuple(stores)


def _sum(parts: Iterable[Counts]) -> Counts:
    return sum(parts, Counts())
