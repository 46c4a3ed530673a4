"""Any NIR graph, run on a recording: a workload. See docs/hardware.md."""

from neurorec.hardware.workload.graph.graph_work import NodeCounts, count_nodes, graph_work, observed_work
from neurorec.hardware.workload.graph.input_recording import read_recording, signal_of
from neurorec.hardware.workload.graph.watch import ObservedGraph, observe_graph

__all__ = [
    "NodeCounts", "ObservedGraph", "count_nodes", "graph_work", "observe_graph", "observed_work", "read_recording",
    "signal_of",
]  # fmt: skip
