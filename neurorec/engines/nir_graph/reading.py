"""A NIR file as a flat list of nodes in order of computation, with feedback edges marked."""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.nir_options import delays_loops

STATEFUL = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Delay")
STATELESS = ("Input", "Output", "Affine", "Linear", "Scale", "Flatten", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")
SPIKING = ("IF", "LIF", "CubaLIF", "Threshold")
Edge = tuple[str, str]


@dataclass(frozen=True)
class NirGraph:
    """A graph to run: nested graphs are flattened, cycles are cut.

    A cycle needs one delay, and the file does not say where. Here: traverse depth first from the Input, following
    edges in alphabetical order of their targets; an edge back to a node still being traversed is a feedback edge
    and delivers the source's output of the previous step. For Input -> weights -> neurons <-> recurrent weights, this is
    the edge from the recurrent weights to the neurons.
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
    """Read a NIR file (HDF5) with the `nir` package.

    Raises
    ------
    InputError
        If the file is missing, not HDF5, damaged, refused by `nir`, or contains something that the interpreter cannot run.
    """
    import nir

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give the path of a .nir file")
    try:
        graph = nir.read(path)
    except OSError as error:
        raise InputError(f"{path}: this is not a NIR file, or a damaged one (NIR files are HDF5): {error}") from None
    except Exception as error:  # any error of nir on a foreign file is reported as one message
        raise InputError(
            f"{path}: nir {nir.version} cannot read this graph: {type(error).__name__}: {error}; "
            "correct the named nodes and write the file again with nir 1.0.6 or later"
        ) from None
    return flat_graph(graph, str(path))


def flat_graph(graph: Any, where: str) -> NirGraph:
    """Prepare a `nir.NIRGraph` in memory to be run; `where` names it in messages."""
    nodes, edges = _open_nested(graph, "", where)
    for name, node in nodes.items():
        kind = type(node).__name__
        if kind not in (*STATEFUL, *STATELESS, "Threshold"):
            known = ", ".join(sorted((*STATEFUL, *STATELESS, "Threshold")))
            raise InputError(f'{where}: node "{name}" is a {kind}, which this interpreter cannot run; it runs: {known}')
    inputs = sorted(graph.inputs)
    if len(inputs) != 1:
        raise InputError(
            f"{where}: the graph has {len(inputs)} Input nodes {inputs}; this interpreter needs exactly one"
        )
    order, feedback = _walk(inputs[0], nodes, edges)
    unreached = sorted(set(nodes) - set(order))
    if unreached:
        raise InputError(f"{where}: no path leads from the Input to {', '.join(unreached)}; connect or remove them")
    if not delays_loops(graph.metadata):
        _check_loops(nodes, edges, where)
    place = {name: index for index, name in enumerate(order)}
    arrivals = {
        name: tuple(sorted(((a, (a, b) in feedback) for a, b in edges if b == name), key=lambda s: (s[1], place[s[0]])))
        for name in order
    }
    outputs = tuple(name for name in order if name in graph.outputs)
    return NirGraph(where, nodes, order, arrivals, inputs[0], outputs, dict(graph.metadata))


def _open_nested(graph: Any, prefix: str, where: str) -> tuple[dict[str, Any], list[Edge]]:
    """Nodes and edges with every inner NIRGraph replaced by its contents; its Input and Output remain as relays."""
    nodes: dict[str, Any] = {}
    edges: list[Edge] = []
    ports: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        full = prefix + name
        if type(node).__name__ != "NIRGraph":
            nodes[full], ports[name] = node, (full, full)
            continue
        if len(node.inputs) != 1 or len(node.outputs) != 1:
            raise InputError(f'{where}: the inner graph "{full}" must have one Input and one Output')
        inner_nodes, inner_edges = _open_nested(node, full + ".", where)
        nodes.update(inner_nodes)
        edges.extend(inner_edges)
        ports[name] = (f"{full}.{next(iter(node.inputs))}", f"{full}.{next(iter(node.outputs))}")
    edges.extend((ports[a][1], ports[b][0]) for a, b in graph.edges)
    return nodes, edges


def _walk(start: str, nodes: dict[str, Any], edges: list[Edge]) -> tuple[tuple[str, ...], set[Edge]]:
    """Depth-first traversal from `start` (without recursion, since files may be deep): order and feedback edges."""
    targets = {name: iter(sorted({b for a, b in edges if a == name})) for name in nodes}
    path, seen, done = [start], {start}, []
    feedback: set[Edge] = set()
    while path:
        here = path[-1]
        following = next(targets[here], None)
        if following is None:
            done.append(path.pop())
        elif following not in seen:
            seen.add(following)
            path.append(following)
        elif following in path:
            feedback.add((here, following))
    return tuple(reversed(done)), feedback


def _check_loops(nodes: dict[str, Any], edges: list[Edge], where: str) -> None:
    """Refuse loops without neurons: they are equations to solve, not recurrences."""
    stateless = {name for name in nodes if type(nodes[name]).__name__ not in STATEFUL}
    sources = {name: [a for a, b in edges if b == name and a in stateless] for name in stateless}
    try:
        TopologicalSorter(sources).prepare()
    except CycleError as error:
        loop = " -> ".join(f'"{name}"' for name in error.args[1])
        raise InputError(f"{where}: the loop {loop} contains no neuron and no Delay; add one") from None
