"""Rules that keep traces instead of a tape, counted.

stdp         Traces are kept by neuron: x of every input line, y and the threshold's theta of every neuron. A spike of its
             neuron updates a trace (an exponential for the time since, a product, a sum). w -= depression y and its clip
             are 4 operations for each synapse of an input spike, w += potentiation (x - target) and its clip 5 for each
             of a neuron's spike; each reads the trace at the synapse's other end. Between samples every neuron's weights are
             read, summed, divided into the wanted sum, read again and scaled.
competitive  w += rate (x - w), 3 operations for each weight of the winner; the conscience takes 3 for every unit, and its
             shares of wins decay (a product each) and the winner's rises.
eprop        Bellec et al. 2020, for lif and adaptive_lif; traces are kept by synapse. Per step: two filters of every line
             (current and membrane) decay and are added up; for each synapse e = psi x, its low-pass e' and the change
             += L e'; L_j = sum_k W_kj error_k through the readout's own weights, where O errors are broadcast; readout
             changes += error x filtered z. The adaptive threshold brings a second trace a synapse:
             eps = psi x + (rho - psi beta) eps and e = psi x - psi beta eps.
"""

from __future__ import annotations

from neurorec.basics.errors import InputError
from neurorec.hardware.counts import Counts, LayerCounts
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.operations import Operations
from neurorec.models.network import Network

PRE_OPERATIONS, POST_OPERATIONS, TRACE_OPERATIONS = 4, 5, 2


def local_counts(network: Network, rule: str, input_spikes: int, samples: int, weight_updates: int) -> Counts:
    """stdp or competitive over `samples` samples; `input_spikes` splits the weight updates of stdp into its two kinds."""
    if rule == "competitive":
        return _competitive(network.cell.size, weight_updates, weight_updates // max(1, network.cell.input_size))
    lines, units = network.cell.input_size, network.cell.size
    spikes_in = min(weight_updates // units, input_spikes)
    spikes = (weight_updates - spikes_in * units) // lines
    traces = spikes_in + 2 * spikes
    synapses = lines * units * samples
    return Counts(
        elementwise=PRE_OPERATIONS * spikes_in * units
        + POST_OPERATIONS * spikes * lines
        + TRACE_OPERATIONS * traces
        + 2 * synapses
        + units * samples,
        nonlinearities=traces,
        weight_reads=weight_updates + 2 * synapses,
        weight_writes=weight_updates + synapses,
        trace_reads=weight_updates + traces,
        trace_writes=traces,
        trace_updates=traces,
        plasticity_updates=weight_updates,
        weights_scaled=synapses,
    )


def _competitive(units: int, weight_updates: int, inputs: int) -> Counts:
    return Counts(
        elementwise=3 * weight_updates + inputs * (3 * units + units + 1),
        weight_reads=weight_updates,
        weight_writes=weight_updates,
        trace_reads=inputs * (2 * units + 1),
        trace_writes=inputs * (units + 1),
        trace_updates=inputs * (units + 1),
        plasticity_updates=weight_updates,
    )


def eprop_counts(network: Network, operations: Operations) -> LayerCounts:
    """What the rule adds over the observed samples, without the optimiser."""
    adaptive = _eprop_traces(network) == 2
    declared, H, outputs = network.cell.operations(), network.cell.size, network.readout.size
    synapses = int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum())
    lines = network.cell.input_size + (H if declared.recurrent_fan_out.any() else 0)
    runs = operations.sample_steps
    traces = 2 * lines + synapses * (2 if adaptive else 1)
    cell = Counts(
        macs=runs * synapses,
        dense_macs=runs * synapses,
        values_sent=runs * outputs,
        elementwise=runs * (4 * lines + synapses * (7 if adaptive else 3) + (2 * H if adaptive else 0)),
        nonlinearities=runs * H,
        trace_reads=runs * traces,
        trace_writes=runs * traces,
        trace_updates=runs * traces,
        gradient_reads=runs * synapses,
        gradient_writes=runs * synapses,
    )
    readout = Counts(
        macs=runs * 2 * outputs * H,
        dense_macs=runs * 2 * outputs * H,
        elementwise=runs * 2 * H,
        weight_reads=runs * outputs * H,
        trace_reads=runs * H,
        trace_writes=runs * H,
        trace_updates=runs * H,
        gradient_reads=runs * outputs * H,
        gradient_writes=runs * outputs * H,
    )
    return LayerCounts(cell, readout)


def _eprop_traces(network: Network) -> int:
    """Traces of one synapse."""
    name = network.cell.card.name
    if name not in ("lif", "adaptive_lif"):
        raise InputError(f'e-prop is counted for the cells lif and adaptive_lif, not for "{name}"; count it as bptt')
    return 2 if name == "adaptive_lif" else 1


def local_stores(network: Network, rule: str) -> tuple[Store, ...]:
    """The traces that must be held."""
    lines, H = network.cell.input_size, network.cell.size
    if rule == "competitive":
        return (Store("cell", "trace", H),)
    if rule == "stdp":
        return (Store("cell", "trace", lines + 2 * H),)
    declared = network.cell.operations()
    synapses = int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum())
    heard = lines + (H if declared.recurrent_fan_out.any() else 0)
    return (Store("cell", "trace", 2 * heard + _eprop_traces(network) * synapses), Store("readout", "trace", H))
