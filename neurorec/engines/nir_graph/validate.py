"""One pass over every NIR graph before anything is computed: parameters, metadata, connections, loops, shapes.

All faults of a graph are collected, so that one message states them all.
"""

from __future__ import annotations

from dataclasses import fields
from graphlib import CycleError, TopologicalSorter
from typing import Any, get_args

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.nir_nodes import required_parameters
from neurorec.engines.nir_graph.nir_options import NirOptions, promised_options
from neurorec.engines.nir_graph.opening import FlatGraph
from neurorec.engines.nir_graph.parameters import checked_values
from neurorec.engines.nir_graph.plain_graph import KINDS, MOST_BYTES, STATEFUL, shown, titled
from neurorec.engines.nir_graph.shapes import Misfit, Shape, Values, largest_signal, sent, taken

_WORDS = {str: "text", bool: "true or false", float: "a number", int: "an integer", type(None): "absent"}
Arrivals = dict[str, tuple[tuple[str, bool], ...]]


def check_parameters(flat: FlatGraph, faults: list[str]) -> dict[str, Values]:
    """The values of every node that has no fault of its own."""
    found: dict[str, Values] = {}
    for name, node in flat.nodes.items():
        if node.kind in KINDS:
            values = checked_values(name, node, required_parameters(node.kind), faults)
            if values is not None:
                found[name] = values
        elif node.kind:
            faults.append(
                f'node "{shown(name)}" is a {shown(node.kind)}, which this interpreter cannot run; it runs: '
                f"{', '.join(sorted(KINDS))}"
            )
    return found


def check_metadata(metadata: dict[str, Any], faults: list[str]) -> None:
    """The promise of a file written by neurorec: options of the right type and value."""
    promise = metadata.get("neurorec")
    if promise is None:
        return
    if not isinstance(promise, dict):
        faults.append("metadata: neurorec must be a table of options")
        return
    before = len(faults)
    for field in fields(NirOptions):
        types = {str if isinstance(one, str) else one for one in get_args(field.type) or (field.type,)}
        if field.name not in promise:
            continue
        value = promise[field.name]
        plain = value.item() if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1 else value
        if type(plain) not in types and not (type(plain) is int and float in types):
            wanted = " or ".join(sorted(_WORDS.get(one, str(one)) for one in types))
            faults.append(
                f'metadata: neurorec.{field.name} must be {wanted}; got {type(plain).__name__} "{shown(plain, 40)}"'
            )
    if "dt_s" not in promise:
        faults.append("metadata: neurorec.dt_s is missing; expected the length of a step in seconds")
    if len(faults) == before:
        try:
            promised_options(metadata, "metadata")
        except InputError as error:
            faults.append(f"metadata: {error}")


def check_connections(flat: FlatGraph, faults: list[str], delayed_loops: bool = False) -> bool:
    """Whether the nodes can be put in order: one Input, every node hears something, a neuron or Delay in every loop (unless the
    file says that its `delayed_loops` take a step)."""
    before = len(faults)
    if len(flat.inputs) != 1:
        names = [shown(name) for name in flat.inputs]
        faults.append(f"the graph has {len(names)} Input nodes {names}; this interpreter needs exactly one")
    for a, b in flat.edges:
        if b in flat.inputs:
            faults.append(f'edge "{shown(a)}" -> "{shown(b)}" leads into the Input, which takes only the recording')
    hearing = {b for _, b in flat.edges}
    for name, node in flat.nodes.items():
        if name not in hearing and name not in flat.inputs:
            faults.append(f"{titled(name, node.kind)}: no edge leads to it; connect or remove it")
    stateless = {name: [] for name, node in flat.nodes.items() if node.kind not in STATEFUL}
    for a, b in flat.edges:
        if a in stateless and b in stateless:
            stateless[b].append(a)
    try:
        if not delayed_loops:
            TopologicalSorter(stateless).prepare()
    except CycleError as error:
        loop = " -> ".join(f'"{shown(name)}"' for name in error.args[1])
        faults.append(f"the loop {loop} contains no neuron and no Delay; add one")
    return len(faults) == before


def check_reach(flat: FlatGraph, order: tuple[str, ...], apart: frozenset[str], faults: list[str]) -> None:
    """The Input must drive an Output, and every node must be driven by it or by a neuron."""
    for name in sorted(set(flat.nodes) - set(order)):
        faults.append(f"{titled(name, flat.kind(name))}: no path leads to it from the Input or from a neuron")
    if not flat.outputs:
        faults.append("the graph has no Output node; add one after the nodes to be recorded")
    elif apart.issuperset(flat.outputs):
        names = ", ".join(f'"{shown(name)}"' for name in flat.outputs)
        faults.append(f"no path leads from the Input to an Output ({names}); connect them")


def signal_shapes(
    flat: FlatGraph, values: dict[str, Values], order: tuple[str, ...], arrivals: Arrivals, faults: list[str]
) -> dict[str, tuple[Shape, Shape]]:
    """What every node takes and sends, from the Input onwards; edges must join equal shapes."""
    takes: dict[str, Shape] = {}
    sends: dict[str, Shape] = {}
    followers: dict[str, list[str]] = {name: [] for name in order}
    for a, b in flat.edges:
        followers[a].append(b)
    for name in order:
        kind = flat.kind(name)
        if name not in values:
            continue
        arriving = [sends[source] for source, _ in arrivals[name] if source in sends]
        own = taken(kind, values[name])
        if own is None and not arrivals[name]:  # an Input without a shape
            known = [taken(flat.kind(to), values[to]) for to in followers[name] if to in values]
            arriving = [shape for shape in known if shape is not None]
        relay = kind in ("Input", "Output") and arriving
        shape = arriving[0] if arriving and (own is None or relay) else own
        if shape is None:
            if all(source in values for source, _ in arrivals[name]):
                faults.append(
                    f"{titled(name, kind)}: its input shape is not stated, and does not follow from the graph"
                )
            continue
        takes[name] = shape
        try:
            sends[name] = sent(kind, _counting_batch(flat, values, name, shape, followers[name]), shape)
        except Misfit as misfit:
            faults.append(f"{titled(name, kind)} {misfit}, but {list(shape)} arrives")
    for a, b in flat.edges:
        if a in sends and b in takes and sends[a] != takes[b]:
            faults.append(
                f'edge "{shown(a)}" -> "{shown(b)}": "{shown(a)}" ({flat.kind(a)}) sends {list(sends[a])}, but '
                f'"{shown(b)}" ({flat.kind(b)}) takes {list(takes[b])}'
            )
    _check_sizes(flat, values, sends, faults)
    return {name: (takes[name], sends[name]) for name in sends}


def _counting_batch(
    flat: FlatGraph, values: dict[str, Values], name: str, shape: Shape, followers: list[str]
) -> Values:
    """Old files without `input_type` count axes for Flatten as torch does, batch first: 1 is then the first axis.

    That is how a Flatten is read if its follower takes exactly that, and not what NIR's own counting gives.
    """
    own = values[name]
    if flat.kind(name) == "Flatten" and "input_type" not in own and own.get("start_dim", 1) == 1:
        wanted = [taken(flat.kind(to), values[to]) for to in followers if to in values]
        whole = sent("Flatten", {"start_dim": 0, "end_dim": -1}, shape) if shape else shape
        if len(shape) > 1 and own.get("end_dim", -1) == -1 and wanted and all(to == whole for to in wanted):
            values[name] = {**own, "start_dim": 0, "end_dim": -1}
    return values[name]


def _check_sizes(flat: FlatGraph, values: dict[str, Values], sends: dict[str, Shape], faults: list[str]) -> None:
    """One step of one sample must fit in memory, whatever padding and kernels a file claims."""
    sizes = {name: 4 * largest_signal(flat.kind(name), values[name], shape) for name, shape in sends.items()}
    if sum(sizes.values()) > MOST_BYTES:
        name = max(sizes, key=lambda one: sizes[one])
        faults.append(
            f"the signals of one step take {sum(sizes.values()) / 2**20:,.0f} MiB per sample, most of it at "
            f"{titled(name, flat.kind(name))} ({sizes[name] / 2**20:,.0f} MiB); at most {MOST_BYTES / 2**20:.0f} MiB fit"
        )
