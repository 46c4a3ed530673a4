"""A competitive_lif (or lif) layer under a plasticity rule, sample after sample, as `on_brian2.present` runs it."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.engines.event_equations import EventEquations
from neurorec.engines.event_network import EventNetwork, Population, Projection, SpikeTrain
from neurorec.engines.on_brian2 import NEURONS, Presentation, check_spikes, other_semantics, thresholds
from neurorec.engines.on_brian2 import why_not as no_equations
from neurorec.engines.plastic.language import parse_equations
from neurorec.engines.plastic.plan import plan_network
from neurorec.engines.plastic.run import run_network


def why_not(cell: Any, plasticity: EventEquations | None = None) -> str | None:
    """Why this engine cannot run `cell` under the rule, or None if it can."""
    if no_equations(cell) is not None:
        return other_semantics(cell) or (
            "neurorec writes the equations of lif and competitive_lif for event engines, and of no other cell; use the cell "
            "competitive_lif"
        )
    try:
        plan_network(presentation(cell, np.zeros((0, 0, cell.input_size)), plasticity))
    except CannotRun as refused:
        return str(refused).removeprefix("engine plastic cannot run ")
    return None


def present(cell: Any, x: Tensor, plasticity: EventEquations | None = None) -> Presentation:
    """Present input spikes x [T, B, I] to `cell`, sample by sample; with `plasticity`, weights change meanwhile.

    Same spikes, weights and thresholds as `on_brian2.present`, in double precision; the cell is read, never written.

    Raises
    ------
    CannotRun, InputError
        As `on_brian2.present`; and for equations that only Brian2 runs.
    """
    reason = why_not(cell)
    if reason is not None:
        raise CannotRun(f"engine plastic cannot run {cell.title}: {reason}")
    spikes_in = check_spikes(cell, x, "plastic")
    start_s = time.perf_counter()
    T, B, _ = x.shape
    spikes = torch.zeros(T, B, cell.size)
    if not spikes_in.size:
        return Presentation(spikes, cell.w_in.detach().clone(), thresholds(cell), "LLVM", 0.0)
    seen = run_network(presentation(cell, spikes_in, plasticity), B * (T + 1), record=["neurons"])
    steps, neurons = seen.spikes["neurons"]
    spikes[steps % (T + 1) - 1, steps // (T + 1), neurons] = 1
    weights = seen.weights["input synapses"]
    if plasticity is not None and plasticity.weight_sum is not None:
        sums = weights.sum(0)
        weights = weights * (plasticity.weight_sum / np.where(sums > 0, sums, np.inf))
        weights = np.minimum(weights, plasticity.weight_max)
    theta = torch.tensor(seen.state["neurons"]["theta"])
    return Presentation(spikes, torch.tensor(weights.T.copy()), theta, "LLVM", time.perf_counter() - start_s)


def presentation(cell: Any, x: np.ndarray, plasticity: EventEquations | None) -> EventNetwork:
    """The network of a presentation; a sample of T steps takes T + 1, the first of which clears the state."""
    T, _, lines = x.shape
    card, rule = cell.card, plasticity
    sample, step, line = x.transpose(1, 0, 2).nonzero()
    numbers = {"v_leak": card.v_leak, "v_reset": card.v_reset, "v_threshold": card.v_threshold}
    numbers |= {**rule.numbers, "weight_max": rule.weight_max} if rule else {}
    inputs = Population(
        lines, SpikeTrain(sample * (T + 1) + step, line), rule.input_state if rule else "",
        after=rule.at_input_spike if rule else "",
    )  # fmt: skip
    neurons = Population(
        cell.size, "v > v_threshold + theta", NEURONS + (rule.neuron_state if rule else "theta : 1"),
        reset="v = v_reset\n" + (rule.at_neuron_spike if rule else ""),
        start={"v": card.v_leak, "theta": thresholds(cell).double().numpy()},
    )  # fmt: skip
    plastic = Projection(
        "inputs", "neurons", cell.w_in.detach().cpu().double().numpy().T,
        on_pre="current_post += w\n" + (rule.on_pre if rule else ""), on_post=rule.on_post if rule else "",
        weight_sum=rule.weight_sum if rule else None, weight_max=rule.weight_max if rule else np.inf,
    )  # fmt: skip
    lateral = Projection("neurons", "neurons", cell.w_rec.detach().cpu().double().numpy().T, on_pre="current_post += w")
    return EventNetwork(
        card.dt_ms, _cleared({"inputs": inputs, "neurons": neurons}, rule, card.v_leak),
        {"lateral synapses": lateral, "input synapses": plastic},
        times_ms={"tau_mem": card.tau_mem_ms, "tau_syn": card.tau_syn_ms, **(rule.times_ms if rule else {})},
        numbers=numbers, sample_steps=T + 1,
    )  # fmt: skip


def _cleared(
    populations: dict[str, Population], plasticity: EventEquations | None, v_leak: float
) -> dict[str, Population]:
    """At each sample's start membranes rest and all but the kept variables are 0."""
    kept = plasticity.kept if plasticity else ("theta",)
    found = {}
    for name, population in populations.items():
        variables = [v for v in parse_equations(population.equations, name).variables if v not in kept]
        found[name] = replace(population, at_sample={v: v_leak if v == "v" else 0.0 for v in variables})
    return found
