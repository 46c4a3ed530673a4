"""A NIR graph and a recording on a chip: run, count, place, price."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.on_nir import NirGraph, NirOptions
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.mapping import place
from neurorec.hardware.pricing.bill import Cost, Setting
from neurorec.hardware.pricing.inference_cost import price_counted, refused
from neurorec.hardware.workload.graph.graph_counts import NodeCounts, count_graph
from neurorec.hardware.workload.graph.graph_net import heard_by_units, net_of
from neurorec.hardware.workload.graph.input_recording import signal_of
from neurorec.hardware.workload.graph.watch import ObservedGraph, observe_graph
from neurorec.hardware.workload.operations import Operations


@dataclass(frozen=True)
class GraphCost:
    """What was seen and counted, and the cost on each chip asked for."""

    seen: ObservedGraph
    operations: Operations
    nodes: list[NodeCounts]
    costs: list[Cost]


def graph_cost(
    graph: NirGraph, x: Any, options: NirOptions, chips: list[str] | list[Chip], signal: str = "auto",
    annealed: bool = False, partitioned: bool = False,
) -> GraphCost:  # fmt: skip
    """Energy and latency of one inference, the mean over the samples of x [T, B, ...] (or [T, ...]).

    `partitioned`, `annealed`: neurons are shared out, and cores moved, so that spikes travel less.

    Raises
    ------
    InputError
        If x does not fit the graph's Input, or the graph holds nothing that computes.
    """
    seen = observe_graph(graph, x, options, signal_of(np.asarray(x), signal, graph.where))
    if not seen.roles.units:
        raise InputError(
            f"{graph.where}: nothing but wiring stands between Input and Output; there is nothing to price"
        )
    operations, nodes = count_graph(seen)
    heard = heard_by_units(seen)

    def price(chip: Chip | str | Path) -> Cost:
        name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
        card = load_chip(chip) if isinstance(chip, str | Path) else chip
        reason = _why_not(seen, card)
        if reason is not None:
            return refused(name, card, reason)
        try:
            mapping = place(net_of(seen, heard, card), card, partitioned, annealed)
        except CannotRun as error:
            return refused(name, card, str(error))
        return price_counted(name, card, operations, mapping, Setting())

    return GraphCost(seen, operations, nodes, [price(chip) for chip in chips])


def _why_not(seen: ObservedGraph, chip: Chip) -> str | None:
    roles, graph = seen.roles, seen.graph
    hidden = [name for name in roles.units if name not in roles.readout]
    for name in hidden:
        reason = chip.why_not_cell("lif" if roles.sent[name] == "spikes" else "elman")
        if reason is not None:
            return f'node "{name}" sends {roles.sent[name].replace("currents", "values")}: {reason}'
    signal = roles.sent[graph.input]
    if signal not in chip.signals:
        taken = " and ".join(chip.signals)
        return f"the recording holds {signal}, the chip takes {taken}; encode it before the graph"
    return None
