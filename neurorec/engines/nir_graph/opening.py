"""Nested graphs are opened: one flat list of nodes with unique names, and edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field, replace

from neurorec.engines.nir_graph.plain_graph import Edge, PlainGraph, PlainNode, shown


@dataclass
class FlatGraph:
    nodes: dict[str, PlainNode] = field(default_factory=dict)  #: the name of an inner node is "outer.inner"
    edges: list[Edge] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)  #: of the outermost graph
    outputs: list[str] = field(default_factory=list)

    def kind(self, name: str) -> str:
        return self.nodes[name].kind


def opened(graph: PlainGraph, faults: list[str]) -> FlatGraph:
    """`graph` with every inner graph replaced by its contents; the Input and Output of an inner graph remain as relays."""
    flat = FlatGraph()
    ports = _open(graph, "", flat, faults)
    flat.inputs, flat.outputs = _ends(ports, "Input", flat), _ends(ports, "Output", flat)
    return flat


def _ends(ports: dict[str, tuple[str, str]], kind: str, flat: FlatGraph) -> list[str]:
    """The Inputs or Outputs of one graph, without those of graphs inside it."""
    return sorted(first for first, last in ports.values() if first == last and flat.kind(first) == kind)


def _open(graph: PlainGraph, prefix: str, flat: FlatGraph, faults: list[str]) -> dict[str, tuple[str, str]]:
    """Add `graph` to `flat`; its nodes' names there, for incoming and for outgoing edges.

    Names outside come first: a node "sub.lin" keeps its name, and node "lin" of an inner graph "sub" becomes "sub.lin_2".
    """
    graph = _with_ports(replace(graph, edges=_sound_edges(graph, prefix, faults)))
    ports: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        if isinstance(node, PlainNode):
            full = _free(prefix + name, flat.nodes)
            flat.nodes[full], ports[name] = node, (full, full)
    for name, inner in graph.nodes.items():
        if isinstance(inner, PlainGraph):
            within = _open(inner, f"{prefix}{name}.", flat, faults)
            inputs, outputs = _ends(within, "Input", flat), _ends(within, "Output", flat)
            if len(inputs) == len(outputs) == 1:
                ports[name] = (inputs[0], outputs[0])
            else:
                faults.append(f'the inner graph "{shown(prefix + name)}" must have one Input and one Output')
    flat.edges.extend((ports[a][1], ports[b][0]) for a, b in graph.edges if a in ports and b in ports)
    return ports


def _free(name: str, nodes: Container[str]) -> str:
    number, free = 1, name
    while free in nodes:
        number += 1
        free = f"{name}_{number}"
    return free


def _sound_edges(graph: PlainGraph, prefix: str, faults: list[str]) -> list[Edge]:
    """Edges between nodes that exist, each once; the others are faults."""
    sound, counts = [], Counter(graph.edges)
    for (a, b), times in counts.items():
        text = f'edge "{shown(prefix + a)}" -> "{shown(prefix + b)}"'
        missing = [end for end in dict.fromkeys((a, b)) if end not in graph.nodes]
        for end in missing:
            faults.append(f'{text}: there is no node "{shown(prefix + end)}"')
        if times > 1:
            faults.append(f"{text} occurs {times} times; NIR allows it once")
        if not missing:
            sound.append((a, b))
    return sound


def _with_ports(graph: PlainGraph) -> PlainGraph:
    """As `nir` does: an Input before the only node that no edge leads to (if there is no Input), and an Output after every
    node that no edge leaves."""
    nodes, edges = dict(graph.nodes), list(graph.edges)
    kinds = {name: node.kind if isinstance(node, PlainNode) else "NIRGraph" for name, node in nodes.items()}
    roots = set(nodes) - {b for _, b in edges}
    if "Input" not in kinds.values() and len(roots) == 1:
        (root,) = roots
        name = _free(f"input_{root}", nodes)
        nodes[name] = PlainNode("Input", {"shape": None})
        edges.append((name, root))
    for leaf in sorted(set(graph.nodes) - {a for a, _ in edges}):
        if kinds[leaf] not in ("Input", "Output"):
            name = _free(f"output_{leaf}", nodes)
            nodes[name] = PlainNode("Output", {"shape": None})
            edges.append((leaf, name))
    return replace(graph, nodes=nodes, edges=edges)
