"""Slow counts: every step, sample, line and synapse is walked, from weights and signals, never from a declaration."""

import itertools
from collections import Counter

import torch

from neurorec.models.network import Network


def synapses(weight: torch.Tensor | None, line: int) -> list[int]:
    """Units that an input line reaches, found by walking down its column of the weight matrix."""
    if weight is None:
        return []
    return [row for row in range(weight.shape[0]) if float(weight.detach()[row, line]) != 0.0]


def recurrent_synapses(cell, unit: int) -> list[int]:
    """Units of its own layer that a unit reaches, once per synapse. A spike counts in the step after it, whatever its delay."""
    return synapses(getattr(cell, "w_rec", None), unit) + synapses(getattr(cell, "w_exc", None), unit)


def walk_forward(network: Network, x: torch.Tensor, hidden: torch.Tensor) -> list[dict[str, Counter]]:
    """What each layer did in each step."""
    cell, readout = network["hidden"], network["readout"]
    w_in = cell.w_in
    T, B, _ = x.shape
    steps = [{"hidden": Counter(), "readout": Counter()} for _ in range(T)]
    for t, b in itertools.product(range(T), range(B)):
        of_cell, of_readout = steps[t]["hidden"], steps[t]["readout"]
        for line in range(cell.input_size):
            hear(of_cell, synapses(w_in, line), network.input_signal, float(x[t, b, line]))
        for unit in range(cell.size):
            before = float(hidden[t - 1, b, unit]) if t > 0 else 0.0
            hear(of_cell, recurrent_synapses(cell, unit), cell.output_signal, before)
            now = float(hidden[t, b, unit])
            hear(of_readout, list(range(readout.size)), cell.output_signal, now)
            send(of_cell, cell.output_signal, now)
        for _ in range(readout.size):
            send(of_readout, "values", 1.0)
    return steps


def hear(counted: Counter, reached: list[int], signal: str, carried: float) -> None:
    """A line that carries a value every step, or a spike now and then, arrives and is fanned out."""
    if signal == "values" and reached:
        counted["activation_reads"] += 1
    elif carried == 1.0 and reached:
        counted["address_reads"] += 1
    else:
        return
    for _ in reached:
        counted["macs" if signal == "values" else "synaptic_events"] += 1
        counted["weight_reads"] += 1


def send(counted: Counter, signal: str, carried: float) -> None:
    if signal == "values":
        counted.update(values_sent=1, activation_writes=1)
    elif carried == 1.0:
        counted.update(spikes=1, active_neuron_updates=1, address_writes=1)


def total(steps: list[dict[str, Counter]], layer: str) -> Counter:
    return sum((step[layer] for step in steps), Counter())


def walk_backward(network: Network, x: torch.Tensor, hidden: torch.Tensor) -> dict[str, Counter]:
    """Errors from the last step to the first: into gradients, back through readout and recurrence, with a tape."""
    cell, readout = network["hidden"], network["readout"]
    w_in = cell.w_in
    counted = {"hidden": Counter(), "readout": Counter()}
    T, B, _ = x.shape
    biased = {"hidden": [p for p in cell.parameters() if p.dim() == 1 and p.requires_grad], "readout": [readout.bias]}
    for t, b in itertools.product(reversed(range(T)), range(B)):
        counted["hidden"]["values_sent"] += cell.size
        counted["readout"]["values_sent"] += readout.size
        for layer in counted:
            change(counted[layer], sum(p.numel() for p in biased[layer]))
        for line in range(cell.input_size):
            learn(counted["hidden"], synapses(w_in, line), network.input_signal, float(x[t, b, line]))
        for unit in range(cell.size):
            now, before = float(hidden[t, b, unit]), float(hidden[t - 1, b, unit]) if t > 0 else 0.0
            learn(counted["readout"], list(range(readout.size)), cell.output_signal, now)
            learn(counted["hidden"], recurrent_synapses(cell, unit), cell.output_signal, before)
            for _ in range(readout.size):
                counted["readout"].update(macs=1, weight_reads=1)
            for _ in recurrent_synapses(cell, unit) if t > 0 else []:
                counted["hidden"].update(macs=1, weight_reads=1)
    return counted


def learn(counted: Counter, reached: list[int], signal: str, carried: float) -> None:
    """dL/dW += delta x: a sum where x is a spike, nothing where it is none."""
    if signal == "spikes" and carried != 1.0:
        return
    for _ in reached:
        counted["macs" if signal == "values" else "synaptic_events"] += 1
        change(counted, 1)


def change(counted: Counter, numbers: int) -> None:
    counted.update(gradient_reads=numbers, gradient_writes=numbers)


def walk_stdp(network: Network, x: torch.Tensor, hidden: torch.Tensor) -> Counter:
    """Every spike of both ends, every synapse it changes, every trace it reads; then the weights are scaled."""
    cell, counted = network["hidden"], Counter()
    T, B, lines = x.shape
    for b in range(B):
        for _ in range(cell.size):
            for _ in range(lines):
                counted.update(weight_reads=2, elementwise=2, weight_writes=1, weights_scaled=1)
            counted["elementwise"] += 1  # the wanted sum over this one
        for t in range(T):
            for spiking, others, each, traces in (
                ([i for i in range(lines) if float(x[t, b, i]) == 1.0], cell.size, 4, 1),
                ([j for j in range(cell.size) if float(hidden[t, b, j]) == 1.0], lines, 5, 2),
            ):
                for _ in spiking:
                    for _ in range(traces):
                        counted.update(trace_reads=1, trace_writes=1, trace_updates=1, nonlinearities=1, elementwise=2)
                    for _ in range(others):
                        counted.update(
                            weight_reads=1, weight_writes=1, trace_reads=1, plasticity_updates=1, elementwise=each
                        )
    return counted


def walk_competitive(network: Network, x: torch.Tensor) -> Counter:
    """As `learning/competitive_learning.py` does it, one input after another."""
    counted, H = Counter(), network["hidden"].size
    for _ in range(x.shape[0] * x.shape[1]):
        for _ in range(H):
            counted.update(trace_reads=1, elementwise=3)  # 1/H - p, times conscience, onto the match
        for _ in range(x.shape[2]):
            counted.update(weight_reads=1, weight_writes=1, elementwise=3, plasticity_updates=1)
        for _ in range(H):
            counted.update(trace_reads=1, trace_writes=1, trace_updates=1, elementwise=1)
        counted.update(trace_reads=1, trace_writes=1, trace_updates=1, elementwise=1)
    return counted


def walk_eprop(network: Network, x: torch.Tensor) -> dict[str, Counter]:
    """The traces of every line and synapse, then e, its low-pass and the change at every synapse of every step."""
    cell, outputs, filtered = network["hidden"], network["readout"].size, network["readout"].card.name == "leaky"
    rate, adaptive = cell.card.name == "elman", cell.card.name == "adaptive_lif"
    cleared = not rate and cell.card.reset == "zero"
    shared = not (rate or cleared or adaptive)  # a spike takes nothing from the potential's trace: one for all neurons
    counted = {"hidden": Counter(), "readout": Counter()}
    trace = {"trace_reads": 1, "trace_writes": 1, "trace_updates": 1}
    reached = [synapses(cell.w_in, i) for i in range(cell.input_size)]
    reached += [synapses(cell.w_rec, j) for j in range(cell.size)]
    reached += [list(range(cell.size))] if rate else []  # biases
    for _ in range(x.shape[0] * x.shape[1]):
        for line in reached:
            if not rate:
                counted["hidden"].update(trace, elementwise=2)  # current: its decay, and what arrives
            if shared:
                counted["hidden"].update(trace, elementwise=2)  # its decay, and the current
            for _ in line:
                counted["hidden"].update(elementwise=1)  # e = psi times the rest
                if cleared or adaptive:
                    counted["hidden"].update(trace, elementwise=2)  # potential: its decay, and the current
                if adaptive:
                    counted["hidden"].update(trace, elementwise=4)  # threshold: decay, adaptation e, sum; minus it in e
                    counted["hidden"].update(
                        elementwise=0 if cleared else 2
                    )  # potential: minus z times the threshold's
                if filtered:
                    counted["hidden"].update(trace, elementwise=2)  # low-pass
                counted["hidden"].update(macs=1, gradient_reads=1, gradient_writes=1)
        for _ in range(cell.size):
            counted["hidden"].update(nonlinearities=1)
            if filtered:
                counted["readout"].update(trace, elementwise=2)
            for _ in range(outputs):
                counted["readout"].update(macs=2, weight_reads=1, gradient_reads=1, gradient_writes=1)
        counted["hidden"]["values_sent"] += outputs
    return counted
