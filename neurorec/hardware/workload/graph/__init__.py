"""Any NIR graph, run on a recording: observed, counted, placed, priced. See docs/hardware.md."""

from neurorec.hardware.workload.graph.graph_cost import GraphCost, graph_cost
from neurorec.hardware.workload.graph.input_recording import read_recording

__all__ = ["GraphCost", "graph_cost", "read_recording"]
