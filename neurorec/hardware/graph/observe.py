"""A NIR graph runs on a recording, and every spike that arrives at a synapse is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from neurorec.engines.on_nir import NirGraph, NirOptions, batched, run_nir
from neurorec.hardware.graph.signals import NEURONS, Roles, kind_of, roles_of


@dataclass(frozen=True)
class Observed:
    """Exact counts over all samples and steps, [elements] of a node each."""

    graph: NirGraph
    roles: Roles
    samples: int
    steps: int
    dt_ms: float
    input_spikes: np.ndarray  #: zeros where the input lines carry values
    arrived: dict[str, np.ndarray]  #: spikes that arrive at each node of synapses, and straight at a neuron
    sent: dict[str, np.ndarray]  #: spikes of each unit with a threshold


def observe_graph(graph: NirGraph, x: Any, options: NirOptions, signal: Literal["spikes", "values"]) -> Observed:
    """Run `graph` on x [T, B, ...] or [T, ...].

    Raises
    ------
    InputError
        If x does not fit the Input node.
    """
    roles = roles_of(graph, signal)
    x = batched(graph, torch.as_tensor(np.asarray(x)).to(torch.float32))
    watching = _Watching(graph, roles, steps=len(x))
    run_nir(graph, x, options, watch=watching)
    counted = x.sum((0, 1), dtype=torch.float64).flatten() if signal == "spikes" else torch.zeros(x[0, 0].numel())
    return Observed(
        graph=graph,
        roles=roles,
        samples=x.shape[1],
        steps=len(x),
        dt_ms=float(f"{options.dt_s * 1e3:.12g}"),
        input_spikes=_whole(counted),
        arrived={name: _whole(total) for name, total in watching.arrived.items()},
        sent={name: _whole(total) for name, total in watching.sent.items()},
    )


class _Watching:
    """Sums of spikes, step after step."""

    def __init__(self, graph: NirGraph, roles: Roles, steps: int) -> None:
        self.roles, self.last = roles, steps - 1
        self.arrived: dict[str, Tensor] = {}
        self.sent: dict[str, Tensor] = {}
        self.calls: dict[str, int] = {}
        self.factors: dict[str, list[int]] = {}  # of each node with synapses: of each edge, 0 where it brings no spikes
        for name in graph.order[1:]:
            if roles.is_synapses(graph, name) or kind_of(graph, name) in NEURONS:
                sources = [source for source, _ in graph.arrivals[name]]
                if kind_of(graph, name) not in NEURONS and roles.arriving[name] != "spikes":
                    continue
                self.factors[name] = [roles.per_spike[s] if roles.sent[s] == "spikes" else 0 for s in sources]

    def __call__(self, name: str, arrivals: Sequence[Tensor], sent: Tensor) -> None:
        step = self.calls[name] = self.calls.get(name, -1) + 1
        if name in self.roles.units and self.roles.sent[name] == "spikes":
            _add(self.sent, name, sent)
        if step == self.last and name in self.roles.unheard_at_last:
            return
        for arrival, factor in zip(arrivals, self.factors.get(name, ()), strict=name in self.factors):
            if factor:
                _add(self.arrived, name, arrival * factor if factor > 1 else arrival)


def _add(totals: dict[str, Tensor], name: str, spikes: Tensor) -> None:
    counted = torch.round(spikes).sum(0, dtype=torch.float64).flatten()
    totals[name] = totals[name] + counted if name in totals else counted


def _whole(total: Tensor) -> np.ndarray:
    return total.numpy().astype(np.int64)
