"""Counts of the adjoint method: backward in time, real-valued errors are sent only for spikes.

Per sample, with the spikes and fan-outs of the forward pass; A and B are the two adjoint values of each neuron:
  decay    per neuron and step, A and B: three products and a sum; both are read and written
  through  for every spike of a hidden layer that arrived: one multiply-accumulate per synapse, and one error returned
  jump     per spike: a product, two sums and a division; slope and drift at the spike lie on the tape, and its address is read
  dL/dW    += B over the targets of every spike that arrived (a product where the line carries values); biases in every step
A readout's error is filtered as its output is. Nothing is changed for fixed weights. On a chip that computes every synapse in
every step, errors are too.
"""

from __future__ import annotations

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store
from neurorec.learning.gradient_counts import gradient_stores
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Wire

TAPE_PER_SPIKE = 2  #: slope and drift of the potential
JUMP = Counts(elementwise=3, nonlinearities=1, tape_reads=TAPE_PER_SPIKE, tape_writes=TAPE_PER_SPIKE, address_reads=1)
DECAY = 4  #: operations per neuron and step


def adjoint_counts(network: Network, forward: ForwardPass) -> LayerCounts:
    """The backward pass over the observed samples."""
    return LayerCounts({name: _layer(network, name, forward) for name, _ in network.named_layers()})


def adjoint_stores(network: Network, forward: ForwardPass, batch: int) -> tuple[Store, ...]:
    """Gradients and moments of the trained numbers, and the tape of the spikes of `batch` samples."""
    spikes = {name: forward.layers.of(name).spikes for name in network.hidden}
    words = {name: -(-TAPE_PER_SPIKE * seen * batch // max(1, forward.samples)) for name, seen in spikes.items()}
    tapes = tuple(Store(name, "tape", held) for name, held in words.items() if held)
    return gradient_stores(network, 0, "adam") + tapes


def _layer(network: Network, name: str, forward: ForwardPass) -> Counts:
    layer, seen, runs = network[name], forward.layers.of(name), forward.of(name).steps
    counts = Counts(elementwise=seen.elementwise, values_sent=0)
    if name in network.hidden:
        states = 2 * runs * layer.size
        counts = Counts(elementwise=DECAY * runs * layer.size, state_reads=states, state_writes=states)
        counts += JUMP.scaled(seen.spikes, 1)
    wires = [wire for wire in network.wires_into(name) if wire not in network.cut]
    own = [Wire(name, name, 1)] if layer.operations().recurrent_fan_out.any() else []
    for wire, arrived in zip([*wires, *own], forward.arrived.get(name, ()), strict=False):
        if wire.source != INPUT:
            counts += Counts(
                macs=arrived.synaptic_events, dense_macs=arrived.dense_macs, weight_reads=arrived.synaptic_events,
                values_sent=arrived.address_reads, activation_reads=arrived.address_reads,
                activation_writes=arrived.address_reads,
            )  # fmt: skip
        if not network.constraints.fixes(network, wire):
            changes = arrived.synaptic_events + arrived.macs
            counts += Counts(
                synaptic_events=arrived.synaptic_events, macs=arrived.macs, dense_macs=arrived.dense_macs,
                address_reads=arrived.address_reads, activation_reads=arrived.activation_reads,
                gradient_reads=changes, gradient_writes=changes,
            )  # fmt: skip
    biases = runs * network.trained_numbers(name, dim=1)
    return counts + Counts(gradient_reads=biases, gradient_writes=biases)
