"""A NIR file as a flat list of nodes in order of computation, with feedback edges marked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.hdf5_file import read_plain
from neurorec.engines.nir_graph.nir_nodes import nir_node, plain_graph
from neurorec.engines.nir_graph.nir_options import delays_loops
from neurorec.engines.nir_graph.opening import FlatGraph, opened
from neurorec.engines.nir_graph.plain_graph import SPIKING, STATEFUL, STATELESS, Edge, PlainGraph, refuse
from neurorec.engines.nir_graph.validate import (
    check_connections,
    check_metadata,
    check_parameters,
    check_reach,
    signal_shapes,
)

__all__ = ["SPIKING", "STATEFUL", "STATELESS", "Edge", "NirGraph", "flat_graph", "read_nir"]


@dataclass(frozen=True)
class NirGraph:
    """A graph to run: validated, nested graphs are flattened, cycles are cut.

    A cycle needs one delay, and the file does not say where. Here: traverse depth first from the Input, following
    edges in alphabetical order of their targets; an edge back to a node still being traversed is a feedback edge
    and delivers the source's output of the previous step. For Input -> weights -> neurons <-> recurrent weights, this is
    the edge from the recurrent weights to the neurons. Cycles that the Input does not reach are traversed in the same
    way, from their neurons in alphabetical order.
    """

    where: str  #: the file, for messages
    nodes: dict[str, Any]  #: name -> nir node; the name of an inner node is "outer.inner"
    order: tuple[str, ...]  #: every node after all nodes that it reads in the same step
    arrivals: dict[
        str, tuple[tuple[str, bool], ...]
    ]  #: node -> its sources in summing order, and whether they feed back
    input: str  #: the Input node
    outputs: tuple[str, ...]  #: the Output nodes (not those of inner graphs, which only relay)
    metadata: dict[str, Any]
    apart: frozenset[str] = field(default_factory=frozenset)  #: nodes that the Input does not reach

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name in self.order if type(self.nodes[name]).__name__ in kinds]

    def edges_to_next_layers(self) -> set[Edge]:
        """Edges from spiking nodes, except those to an Output and those that lead to a feedback edge."""
        spiking, stateless = self.of_kind(*SPIKING), self.of_kind(*STATELESS)
        returning: set[str] = set()  # stateless nodes on the way to a feedback edge
        for name in reversed(self.order):  # targets before sources, so one pass follows every chain
            for source, feeds_back in self.arrivals[name]:
                if source in stateless and (feeds_back or name in returning):
                    returning.add(source)
        return {
            (source, name)
            for name in self.order
            for source, feeds_back in self.arrivals[name]
            if source in spiking and not feeds_back and name not in self.outputs and name not in returning
        }


def read_nir(path: str | Path) -> NirGraph:
    """Read and validate a NIR file (HDF5). Shapes that a file leaves open follow from the graph.

    Raises
    ------
    InputError
        If the file is missing, not HDF5, damaged or too large, or if its graph cannot be run. The message lists every fault.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give the path of a .nir file")
    graph, faults = read_plain(path)
    return _validated(graph, faults, str(path))


def flat_graph(graph: Any, where: str) -> NirGraph:
    """Prepare a `nir.NIRGraph` in memory to be run; `where` names it in messages. Raises `InputError` as `read_nir`."""
    return _validated(plain_graph(graph, where), [], where)


def _validated(graph: PlainGraph, faults: list[str], where: str) -> NirGraph:
    flat = opened(graph, faults)
    values = check_parameters(flat, faults)
    check_metadata(graph.metadata, faults)
    if not check_connections(flat, faults, delays_loops(graph.metadata)):
        refuse(where, faults)
    start = flat.inputs[0]
    order, feedback, apart = _ordered(start, flat)
    check_reach(flat, order, apart, faults)
    refuse(where, faults if len(order) < len(flat.nodes) else [])
    place = {name: index for index, name in enumerate(order)}
    sources: dict[str, list[tuple[str, bool]]] = {name: [] for name in order}
    for a, b in flat.edges:
        sources[b].append((a, (a, b) in feedback))
    arrivals = {name: tuple(sorted(sources[name], key=lambda s: (s[1], place[s[0]]))) for name in order}
    shapes = signal_shapes(flat, values, order, arrivals, faults)
    refuse(where, faults)
    nodes = {name: nir_node(name, flat.nodes[name], values[name], *shapes[name], where) for name in flat.nodes}
    outputs = tuple(name for name in order if name in flat.outputs)
    return NirGraph(where, nodes, order, arrivals, start, outputs, graph.metadata, apart)


def _ordered(start: str, flat: FlatGraph) -> tuple[tuple[str, ...], set[Edge], frozenset[str]]:
    """Order of computation, feedback edges, and nodes that the Input does not reach (they come right after it)."""
    targets: dict[str, set[str]] = {name: set() for name in flat.nodes}
    for a, b in flat.edges:
        targets[a].add(b)
    following = {name: iter(sorted(found)) for name, found in targets.items()}
    seen: set[str] = set()
    feedback: set[Edge] = set()
    reached = _walk(start, following, seen, feedback)
    apart: list[str] = []
    for name in sorted(name for name in flat.nodes if flat.kind(name) in STATEFUL):
        apart += _walk(name, following, seen, feedback) if name not in seen else []
    return (start, *reversed(apart), *reversed(reached[:-1])), feedback, frozenset(apart)


def _walk(start: str, following: dict[str, Iterator[str]], seen: set[str], feedback: set[Edge]) -> list[str]:
    """Depth-first traversal from `start` (without recursion, since files may be deep): the nodes, last first."""
    path, done = {start: None}, []
    seen.add(start)
    while path:
        here = next(reversed(path))
        target = next(following[here], None)
        if target is None:
            done.append(here)
            del path[here]
        elif target not in seen:
            seen.add(target)
            path[target] = None
        elif target in path:
            feedback.add((here, target))
    return done
