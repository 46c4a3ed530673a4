"""Counts of backpropagation through time and of the optimiser, shared by gradient-based rules.

Per sample and step, with the fan-outs and spikes of the forward pass; delta is one real error per unit:
  through  W^T delta over the recurrent synapses in all steps but the first (which starts from the zero state) and, in every
           step, over the synapses of wires whose source is trained or depends on what is trained (for a delayed wire, all
           steps but the first; along a tree, those of nodes with children): one multiply-accumulate per synapse; for a module
           counted by FLOPs, over all its products
  dL/dW    += delta x over every trained synapse, an accumulate if x is a spike; reads and writes one gradient; biases alike
  local    one product per forward elementwise operation and nonlinearity, one surrogate derivative per spiking neuron
  tape     `tape_values` per step, written forward and read backward; T x batch x tape_values words are stored at once
A learned initial state takes one change per number and sample, and errors also pass the recurrent synapses of the first step if
units send it. Nothing is changed for fixed weights; tied weights are one trained number each; a weight with a required sign
takes one comparison per update.
Clipping the norm squares and scales every gradient. Adam (Kingma & Ba 2015), per trained number: 8 products and 4 sums,
a root and a division; it reads weight, gradient and two moments, and writes weight and moments. SGD: a product and a sum.
"""

from __future__ import annotations

from neurorec.basics.counts import Counts, ForwardPass, Kind, LayerCounts, Store
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.models.network import Network
from neurorec.models.wires import Wire

OPTIMISERS = ("adam", "sgd")


def backward_counts(network: Network, forward: ForwardPass) -> LayerCounts:
    """The backward pass over the observed samples, with its tape."""
    reached = reached_by_errors(network)
    return LayerCounts(
        {name: _backward(network, name, forward, reached) for name, _ in network.named_layers() if name in reached}
    )


def reached_by_errors(network: Network) -> set[str]:
    """Layers to which errors must be propagated: trained layers, and those that hear one directly or indirectly."""
    reached = {name for name in network.layers if network.trained_numbers(name)}
    for _ in range(len(network.wires)):
        reached |= {wire.target for wire in network.wires if wire.source in reached and wire not in network.cut}
    return reached


def _backward(network: Network, name: str, forward: ForwardPass, reached: set[str]) -> Counts:
    layer, seen = network[name], forward.layers.of(name)
    declared, ran, runs = layer.operations(), forward.of(name), forward.of(name).steps
    back = max(0, runs - ran.starts)  # all steps but the first of each sample, or of each node of a tree
    start = layer.learned_start or {}
    recurring = runs if layer.sends_start else back
    through = recurring * int(declared.recurrent_fan_out.sum()) + runs * declared.macs
    for wire in network.wires_into(name):
        if wire.source in reached and wire not in network.cut:
            steps = ran.joined if wire.along == "tree" else back if wire.delay else runs
            through += steps * int(declared.input_fan_out[network.lines_of(wire)].sum())
    errors_heard = recurring * int((declared.recurrent_fan_out > 0).sum())
    errors_sent, tape = runs * layer.size, runs * declared.tape_values
    fixed = _through_fixed(network, name, forward)
    events, products = seen.synaptic_events - fixed.synaptic_events, seen.macs - fixed.macs
    changes = events + products + runs * network.trained_numbers(name, dim=1)
    changes += ran.starts * sum(values.numel() for values in start.values())
    return Counts(
        synaptic_events=events,
        macs=through + products,
        dense_macs=through + seen.dense_macs - fixed.dense_macs,
        values_sent=errors_sent,
        elementwise=seen.elementwise + seen.nonlinearities,
        nonlinearities=seen.neuron_updates if layer.output_signal == "spikes" else 0,  # surrogate derivatives
        weight_reads=through,
        state_reads=seen.state_reads,  # of the errors of the state
        state_writes=seen.state_writes,
        activation_reads=seen.activation_reads - fixed.activation_reads + errors_heard,  # x again, and the errors
        activation_writes=errors_sent,
        address_reads=seen.address_reads - fixed.address_reads,
        tape_reads=tape,
        tape_writes=tape,
        gradient_reads=changes,
        gradient_writes=changes,
    )


def _through_fixed(network: Network, name: str, forward: ForwardPass) -> Counts:
    """What arrived over wires whose weights are fixed, for which no gradient is computed."""
    wires = [wire for wire in network.wires_into(name) if wire not in network.cut]
    own = [Wire(name, name, 1)] if network[name].operations().recurrent_fan_out.any() else []
    arrived = zip([*wires, *own], forward.arrived.get(name, ()), strict=False)
    return sum((counts for wire, counts in arrived if network.constraints.fixes(network, wire)), Counts())


def update_counts(network: Network, steps: int, optimiser: str, clipped: bool) -> LayerCounts:
    """`steps` optimiser steps over every trained number."""
    if optimiser not in OPTIMISERS:
        hint = did_you_mean(optimiser, OPTIMISERS)
        raise InputError(f'optimiser "{optimiser}" has no operation count{hint}; known: {", ".join(OPTIMISERS)}')

    def counted(name: str) -> Counts:
        numbers = network.trained_numbers(name) * steps
        signs = Counts(elementwise=network.constraints.signed_numbers(name) * steps)
        each = (adam(numbers) if optimiser == "adam" else _sgd(numbers)) + (clip(numbers) if clipped else Counts())
        return each + signs

    layers = LayerCounts({name: counted(name) for name in network.layers})
    root = Counts(elementwise=steps, nonlinearities=steps)  # of the norm, once for all layers
    return layers + LayerCounts({network.output: root}) if clipped else layers


def gradient_stores(network: Network, steps_held: int, optimiser: str) -> tuple[Store, ...]:
    """Gradients and moments of the trained numbers, and the tape of `steps_held` steps (of all samples of a batch)."""
    stores: list[Store] = []
    for name, layer in network.named_layers():
        numbers = network.trained_numbers(name)
        held: dict[Kind, int] = {"gradient": numbers, "moment": 2 * numbers if optimiser == "adam" else 0}
        held["tape"] = steps_held * layer.operations().tape_values
        stores += [Store(name, kind, words) for kind, words in held.items() if words]
    return tuple(stores)


def adam(numbers: int) -> Counts:
    return Counts(
        elementwise=12 * numbers,
        nonlinearities=2 * numbers,
        weight_reads=numbers,
        weight_writes=numbers,
        gradient_reads=numbers,
        moment_reads=2 * numbers,
        moment_writes=2 * numbers,
    )


def _sgd(numbers: int) -> Counts:
    return Counts(elementwise=2 * numbers, weight_reads=numbers, weight_writes=numbers, gradient_reads=numbers)


def clip(numbers: int) -> Counts:
    return Counts(
        macs=numbers, dense_macs=numbers, elementwise=numbers, gradient_reads=2 * numbers, gradient_writes=numbers
    )
