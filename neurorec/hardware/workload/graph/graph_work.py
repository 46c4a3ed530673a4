"""A NIR graph run on a recording, as a workload: units are populations, nodes with synapses are projections to them.

Nodes between units that compute but have no synapses (scales, pools of values) are projections without lines. The counts are
those of a trained network: a graph written by neurorec has the same counts as the original network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from neurorec.basics.counts import Counts
from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import NirGraph, NirOptions
from neurorec.hardware.workload.counting import count_synapses, count_units
from neurorec.hardware.workload.graph.connections import stored_weights
from neurorec.hardware.workload.graph.graph_wiring import heard_by_units, wiring_of
from neurorec.hardware.workload.graph.input_recording import signal_of
from neurorec.hardware.workload.graph.signals import NEURONS, POOLS, kind_of, pool_area, size_of, sources_of
from neurorec.hardware.workload.graph.watch import ObservedGraph, observe_graph
from neurorec.hardware.workload.workload import PopulationWork, ProjectionWork, Workload
from neurorec.models.cells.lif import ELEMENTWISE_PER_UNIT, LIF, STATE_PER_UNIT
from neurorec.models.wires import INPUT

#: per neuron and step: operations outside the synapses (additions, multiplications, a comparison), and numbers of state
ELEMENTWISE = {"CubaLIF": ELEMENTWISE_PER_UNIT, "LIF": 4, "IF": 2, "Threshold": 1, "CubaLI": 3, "LI": 2, "I": 1}
STATE = {"CubaLIF": STATE_PER_UNIT, "CubaLI": 2, "LIF": 1, "IF": 1, "LI": 1, "I": 1}


@dataclass(frozen=True)
class NodeCounts:
    """`kind` as in NIR; `hears`: its sources."""

    name: str
    kind: str
    hears: str
    elements: int
    counts: Counts


def graph_work(graph: NirGraph, x: Any, options: NirOptions, signal: str = "auto") -> Workload:
    """Run `graph` on x [T, B, ...] (or [T, ...]) and count every spike that arrives.

    Raises
    ------
    InputError
        If x does not fit the graph's Input, or the graph computes nothing.
    """
    return observed_work(observe_graph(graph, x, options, signal_of(np.asarray(x), signal, graph.where)))


def observed_work(seen: ObservedGraph) -> Workload:
    graph, roles = seen.graph, seen.roles
    if not roles.units:
        raise InputError(f"{graph.where}: there is only routing between Input and Output, so there is nothing to price")
    spiking = roles.sent[graph.input] == "spikes"
    heard = {source for name in roles.units for source in sources_of(graph, roles, name)}
    return Workload(
        samples=seen.samples,
        steps=seen.steps,
        input_size=len(seen.input_spikes),
        input_spikes=seen.input_spikes if spiking else None,
        populations=tuple(_population(seen, name, name in heard) for name in roles.units),
        projections=tuple(one for name in graph.order if name != graph.input for one in _projections(seen, name)),
        wiring=wiring_of(seen, heard_by_units(seen)),
        dt_ms=seen.dt_ms,
        running=np.full(seen.steps, seen.samples),
    )


def count_nodes(seen: ObservedGraph, work: Workload) -> list[NodeCounts]:
    """All nodes that compute."""
    graph, runs, found = seen.graph, work.sample_steps, []
    for name in graph.order:
        counts = count_synapses(runs, (one for one in work.projections if one.node == name))
        counts += count_units(runs, work.of[name]) if name in work.of else Counts()
        if counts != Counts():
            kind, elements = kind_of(graph, name), size_of(graph.nodes[name])
            found.append(NodeCounts(name, kind, seen.roles.arriving[name], elements, counts))
    return found


def _population(seen: ObservedGraph, name: str, heard: bool) -> PopulationWork:
    kind, size, roles = kind_of(seen.graph, name), size_of(seen.graph.nodes[name]), seen.roles
    is_readout, spikes = name in roles.readout, seen.sent.get(name)
    spiking = roles.sent[name] == "spikes"
    return PopulationWork(
        name=name,
        size=size,
        spikes=spikes if spikes is not None or not spiking else np.zeros(size, np.int64),
        updates=0 if is_readout and kind not in NEURONS else size,  # sums without state
        elementwise=size * ELEMENTWISE.get(kind, 0),
        state=size * STATE.get(kind, 0),
        is_readout=is_readout,
        values_travel=heard or not is_readout,
        needs=frozenset() if is_readout else LIF.needs | {"spikes"} if spiking else frozenset({"values"}),
        steps=seen.sent_steps.get(name),
        active=seen.active.get(name),
    )


def _projections(seen: ObservedGraph, name: str) -> Iterator[ProjectionWork]:
    graph, roles, node = seen.graph, seen.roles, seen.graph.nodes[name]
    target, size = _first_unit(seen, name), size_of(node)
    if target is None:
        return
    kind, sources = kind_of(graph, name), tuple(sorted(sources_of(graph, roles, name)))
    sources = tuple(INPUT if source == graph.input else source for source in sources)
    made = partial(ProjectionWork, sources=sources, target=target, node=name)
    if roles.is_synapses(graph, name):
        yield made(
            lines=len(seen.fan_out[name]),
            synapses=int(seen.fan_out[name].sum()),
            spikes=_arrived(seen, name) if roles.arriving[name] == "spikes" else None,
            unheard=seen.unheard.get(name),
            fan_out=seen.fan_out[name],
            stored=stored_weights(node),
            elementwise=size if hasattr(node, "bias") else 0,
            steps=seen.events_steps.get(name),
        )
    elif kind == "Scale" or (kind in POOLS and roles.arriving[name] != "spikes"):
        each = size * (pool_area(node) if kind in POOLS else 1)
        yield made(lines=0, synapses=0, spikes=None, elementwise=each)
    elif kind in NEURONS:  # inputs without weights: a spike counts as one synapse, values are added
        signals = [roles.sent[source] for source, _ in graph.arrivals[name]]
        for _ in range(signals.count("values")):
            yield made(lines=size, synapses=size, spikes=None, summed=True)
        if "spikes" in signals:
            yield made(
                lines=size,
                synapses=size * signals.count("spikes"),
                spikes=_arrived(seen, name),
                fan_out=np.ones(size, np.int64),
                steps=seen.events_steps.get(name),
            )


def _arrived(seen: ObservedGraph, name: str) -> np.ndarray:
    lines = len(seen.fan_out[name]) if name in seen.fan_out else size_of(seen.graph.nodes[name])
    return seen.arrived.get(name, np.zeros(lines, np.int64))


def _first_unit(seen: ObservedGraph, name: str) -> str | None:
    """The unit that a node belongs to: itself, or the first one that hears it; None if there is none."""
    waiting, met = [name], set()
    while waiting:
        here = waiting.pop(0)
        if here in seen.roles.units:
            return here
        met.add(here)
        waiting += [
            to for to in seen.graph.order
            if to not in met and any(source == here for source, _ in seen.graph.arrivals[to])
        ]  # fmt: skip
    return None
