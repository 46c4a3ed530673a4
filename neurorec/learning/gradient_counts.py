"""Counts of backpropagation through time and of the optimiser, shared by gradient-based rules.

Per sample and step, with the fan-outs and spikes of the forward pass; delta is one real error per unit:
  through  W^T delta over the recurrent synapses in all steps but the first (which starts from the zero state) and, in every
           step, over the synapses of wires whose source is trained or depends on what is trained (for a delayed wire, all
           steps but the first): one multiply-accumulate per synapse; for a module counted by FLOPs, over all its products
  dL/dW    += delta x over every trained synapse, an accumulate if x is a spike; reads and writes one gradient; biases alike
  local    one product per forward elementwise operation and nonlinearity, one surrogate derivative per spiking neuron
  tape     `tape_values` per step, written forward and read backward; T x batch x tape_values words are stored at once
Clipping the norm squares and scales every gradient. Adam (Kingma & Ba 2015), per trained number: 8 products and 4 sums,
a root and a division; it reads weight, gradient and two moments, and writes weight and moments. SGD: a product and a sum.
"""

from __future__ import annotations

from torch import nn

from neurorec.basics.counts import Counts, ForwardPass, Kind, LayerCounts, Store
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.models.network import Network

OPTIMISERS = ("adam", "sgd")


def backward_counts(network: Network, forward: ForwardPass) -> LayerCounts:
    """The backward pass over the observed samples, with its tape."""
    reached = reached_by_errors(network)
    return LayerCounts(
        {name: _backward(network, name, forward, reached) for name, _ in network.named_layers() if name in reached}
    )


def reached_by_errors(network: Network) -> set[str]:
    """Layers to which errors must be propagated: trained layers, and those that hear one directly or indirectly."""
    reached = {name for name, layer in network.named_layers() if trained_numbers(layer)}
    for _ in range(len(network.wires)):
        reached |= {wire.target for wire in network.wires if wire.source in reached and wire not in network.cut}
    return reached


def _backward(network: Network, name: str, forward: ForwardPass, reached: set[str]) -> Counts:
    layer, seen = network[name], forward.layers.of(name)
    declared, runs = layer.operations(), forward.sample_steps
    back = max(0, runs - forward.started)  # all steps but the first of each sample
    through = back * int(declared.recurrent_fan_out.sum()) + runs * declared.macs
    for wire in network.wires_into(name):
        if wire.source in reached and wire not in network.cut:
            through += (back if wire.delay else runs) * int(declared.input_fan_out[network.lines_of(wire)].sum())
    errors_heard = back * int((declared.recurrent_fan_out > 0).sum())
    errors_sent, tape = runs * layer.size, runs * declared.tape_values
    changes = seen.synaptic_events + seen.macs + runs * trained_numbers(layer, dim=1)
    return Counts(
        synaptic_events=seen.synaptic_events,
        macs=through + seen.macs,
        dense_macs=through + seen.dense_macs,
        values_sent=errors_sent,
        elementwise=seen.elementwise + seen.nonlinearities,
        nonlinearities=seen.neuron_updates if layer.output_signal == "spikes" else 0,  # surrogate derivatives
        weight_reads=through,
        state_reads=seen.state_reads,  # of the errors of the state
        state_writes=seen.state_writes,
        activation_reads=seen.activation_reads + errors_heard,  # x again, and the errors
        activation_writes=errors_sent,
        address_reads=seen.address_reads,
        tape_reads=tape,
        tape_writes=tape,
        gradient_reads=changes,
        gradient_writes=changes,
    )


def update_counts(network: Network, steps: int, optimiser: str, clipped: bool) -> LayerCounts:
    """`steps` optimiser steps over every trained number."""
    if optimiser not in OPTIMISERS:
        hint = did_you_mean(optimiser, OPTIMISERS)
        raise InputError(f'optimiser "{optimiser}" has no operation count{hint}; known: {", ".join(OPTIMISERS)}')

    def counted(layer: nn.Module) -> Counts:
        numbers = trained_numbers(layer) * steps
        return (_adam(numbers) if optimiser == "adam" else _sgd(numbers)) + (_clip(numbers) if clipped else Counts())

    layers = LayerCounts({name: counted(layer) for name, layer in network.named_layers()})
    root = Counts(elementwise=steps, nonlinearities=steps)  # of the norm, once for all layers
    return layers + LayerCounts({network.output: root}) if clipped else layers


def gradient_stores(network: Network, steps_held: int, optimiser: str) -> tuple[Store, ...]:
    """Gradients and moments of the trained numbers, and the tape of `steps_held` steps (of all samples of a batch)."""
    stores: list[Store] = []
    for name, layer in network.named_layers():
        numbers = trained_numbers(layer)
        held: dict[Kind, int] = {"gradient": numbers, "moment": 2 * numbers if optimiser == "adam" else 0}
        held["tape"] = steps_held * layer.operations().tape_values
        stores += [Store(name, kind, words) for kind, words in held.items() if words]
    return tuple(stores)


def trained_numbers(layer: nn.Module, dim: int | None = None) -> int:
    """Trained numbers; with `dim` = 1 only the biases."""
    return sum(p.numel() for p in layer.parameters() if p.requires_grad and dim in (None, p.dim()))


def _adam(numbers: int) -> Counts:
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


def _clip(numbers: int) -> Counts:
    return Counts(
        macs=numbers, dense_macs=numbers, elementwise=numbers, gradient_reads=2 * numbers, gradient_writes=numbers
    )
