"""Runs a NIR graph on a recording and counts every spike that arrives at a synapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from neurorec.engines.on_nir import NirGraph, NirOptions, batched, run_nir
from neurorec.hardware.workload.graph.connections import fan_out
from neurorec.hardware.workload.graph.signals import NEURONS, Roles, kind_of, roles_of


@dataclass(frozen=True)
class ObservedGraph:
    """Exact counts over all samples and steps, [elements] per node."""

    graph: NirGraph
    roles: Roles
    samples: int
    steps: int
    dt_ms: float
    input_spikes: np.ndarray  #: zeros if the input lines carry values
    arrived: dict[str, np.ndarray]  #: spikes that arrive at each node with synapses, or directly at a neuron
    sent: dict[str, np.ndarray]  #: spikes of each unit with a threshold
    active: dict[str, np.ndarray]  #: steps in which each of these units spiked, once or several times
    fan_out: dict[str, np.ndarray]  #: of each node with synapses
    unheard: dict[str, np.ndarray]  #: spikes of the last step, for nodes with synapses that receive them one step later
    events_steps: dict[
        str, np.ndarray
    ]  #: [T] synaptic events at each node of `arrived`, in the step in which they arrive
    sent_steps: dict[str, np.ndarray]  #: [T] spikes of each unit of `sent`


def observe_graph(graph: NirGraph, x: Any, options: NirOptions, signal: Literal["spikes", "values"]) -> ObservedGraph:
    """Run `graph` on x [T, B, ...] or [T, ...].

    Raises
    ------
    InputError
        If x does not fit the Input node.
    """
    roles = roles_of(graph, signal)
    x = batched(graph, torch.as_tensor(np.asarray(x)).to(torch.float32))
    reached = {name: fan_out(graph.nodes[name]) for name in graph.order if roles.is_synapses(graph, name)}
    watching = _Watching(graph, roles, reached, steps=len(x))
    run_nir(graph, x, options, watch=watching)
    lines = x.sum(1, dtype=torch.float64).flatten(1) * (signal == "spikes")
    return ObservedGraph(
        graph=graph,
        roles=roles,
        samples=x.shape[1],
        steps=len(x),
        dt_ms=float(f"{options.dt_s * 1e3:.12g}"),
        input_spikes=_whole(lines.sum(0)),
        arrived={name: _whole(total) for name, total in watching.arrived.items()},
        sent={name: _whole(total) for name, total in watching.sent.items()},
        active={name: _whole(total) for name, total in watching.active.items()},
        fan_out=reached,
        unheard={name: _whole(total) for name, total in watching.unheard.items()},
        events_steps={name: np.roll(steps, name in roles.unheard_at_last) for name, steps in watching.events.items()},
        sent_steps={name: np.array(steps) for name, steps in watching.spikes.items()},
    )


class _Watching:
    """Sums of spikes, step after step."""

    def __init__(self, graph: NirGraph, roles: Roles, reached: dict[str, np.ndarray], steps: int) -> None:
        self.roles, self.last = roles, steps - 1
        self.reached = {name: torch.as_tensor(lines).double() for name, lines in reached.items()}
        self.arrived: dict[str, Tensor] = {}
        self.sent: dict[str, Tensor] = {}
        self.active: dict[str, Tensor] = {}
        self.unheard: dict[str, Tensor] = {}
        self.events: dict[str, list[int]] = {}
        self.spikes: dict[str, list[int]] = {}
        self.calls: dict[str, int] = {}
        self.factors: dict[str, list[int]] = {}  # per node with synapses and edge; 0 if the edge carries no spikes
        for name in graph.order[1:]:
            if roles.is_synapses(graph, name) or kind_of(graph, name) in NEURONS:
                sources = [source for source, _ in graph.arrivals[name]]
                if kind_of(graph, name) not in NEURONS and roles.arriving[name] != "spikes":
                    continue
                self.factors[name] = [roles.per_spike[s] if roles.sent[s] == "spikes" else 0 for s in sources]

    def __call__(self, name: str, arrivals: Sequence[Tensor], sent: Tensor) -> None:
        step = self.calls[name] = self.calls.get(name, -1) + 1
        if name in self.roles.units and self.roles.sent[name] == "spikes":
            self.spikes.setdefault(name, []).append(int(_add(self.sent, name, sent).sum()))
            _add(self.active, name, (sent > 0).double())
        if name not in self.factors:
            return
        events = self.events.setdefault(name, [])
        events.append(0)
        too_late = step == self.last and name in self.roles.unheard_at_last
        for arrival, factor in zip(arrivals, self.factors[name], strict=True):
            if not factor:
                continue
            spikes = arrival * factor if factor > 1 else arrival
            lines = _add(self.unheard if too_late else self.arrived, name, spikes)
            if not too_late:
                events[-1] += int((lines * self.reached[name]).sum() if name in self.reached else lines.sum())


def _add(totals: dict[str, Tensor], name: str, spikes: Tensor) -> Tensor:
    """Add the spikes [B, ...] of one step, summed over samples, and return them."""
    counted = torch.round(spikes).sum(0, dtype=torch.float64).flatten()
    totals[name] = totals[name] + counted if name in totals else counted
    return counted


def _whole(total: Tensor) -> np.ndarray:
    return total.numpy().astype(np.int64)
