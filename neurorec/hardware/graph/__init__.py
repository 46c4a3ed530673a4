"""Any NIR graph, run on a recording: observed, counted, placed, priced. See docs/hardware.md."""

from neurorec.hardware.graph.cost import GraphCost, graph_cost
from neurorec.hardware.graph.recording import read_recording

__all__ = ["GraphCost", "graph_cost", "read_recording"]
