"""Backpropagation through time and the optimiser, counted.

Per sample and step, with the fan-outs and spikes of `operations`; delta is one real error for each unit:
  through  W^T delta over the recurrent synapses in all steps but the first (before it lies the zero state) and over the
           readout's in every step: a multiply-accumulate for each synapse
  dL/dW    += delta x over every trained synapse, an accumulate where x is a spike; reads and writes one gradient; so do biases
  local    one product for each forward elementwise operation and nonlinearity, one surrogate derivative a spiking neuron
  tape     `tape_values` a step, written forward and read backward; T x batch x tape_values words are held at once
Clipping the norm squares and scales every gradient. Adam (Kingma & Ba 2015), for each trained number: 8 products and 4 sums,
a root and a division; it reads weight, gradient and two moments, and writes weight and moments. SGD: a product and a sum.
"""

from __future__ import annotations

from neurorec.hardware.counts import Counts, Kind, Layer, LayerCounts
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.operations import Operations
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.readout import Linear

OPTIMISERS = ("adam", "sgd")


def backward_counts(network: Network, operations: Operations) -> LayerCounts:
    """The backward pass over the observed samples, with its tape."""
    cell, readout = network.cell, network.readout
    runs = operations.sample_steps
    declared = cell.operations()
    started = operations.samples if operations.per_step is None else int(operations.per_step.running[:1].sum())
    back = max(0, runs - started)  # all steps but the first of each sample
    surrogates = operations.cell.neuron_updates if cell.output_signal == "spikes" else 0
    return LayerCounts(
        cell=_backward(
            operations.cell,
            through=back * int(declared.recurrent_fan_out.sum()),
            errors_heard=back * int((declared.recurrent_fan_out > 0).sum()),
            errors_sent=runs * cell.size,
            biases=runs * _numbers(cell, dim=1),
            surrogates=surrogates,
            tape=runs * declared.tape_values,
        ),
        readout=_backward(
            operations.readout,
            through=operations.readout.dense_macs,
            errors_heard=0,
            errors_sent=runs * readout.size,
            biases=runs * _numbers(readout, dim=1),
            surrogates=0,
            tape=runs * readout.operations().tape_values,
        ),
    )


def _backward(
    forward: Counts, *, through: int, errors_heard: int, errors_sent: int, biases: int, surrogates: int, tape: int
) -> Counts:
    changes = forward.synaptic_events + forward.macs + biases
    return Counts(
        synaptic_events=forward.synaptic_events,
        macs=through + forward.macs,
        dense_macs=through + forward.dense_macs,
        values_sent=errors_sent,
        elementwise=forward.elementwise + forward.nonlinearities,
        nonlinearities=surrogates,
        weight_reads=through,
        state_reads=forward.state_reads,  # of the errors of the state, which go back in its place
        state_writes=forward.state_writes,
        activation_reads=forward.activation_reads + errors_heard,  # x once more, and the errors
        activation_writes=errors_sent,
        address_reads=forward.address_reads,
        tape_reads=tape,
        tape_writes=tape,
        gradient_reads=changes,
        gradient_writes=changes,
    )


def update_counts(network: Network, steps: int, optimiser: str, clipped: bool) -> LayerCounts:
    """`steps` optimiser steps over every trained number."""

    def layer(module) -> Counts:
        numbers = _numbers(module) * steps
        return (_adam(numbers) if optimiser == "adam" else _sgd(numbers)) + (_clip(numbers) if clipped else Counts())

    root = Counts(elementwise=steps, nonlinearities=steps) if clipped else Counts()  # of the norm: one for all layers
    return LayerCounts(layer(network.cell), layer(network.readout) + root)


def gradient_stores(network: Network, steps_held: int, optimiser: str) -> tuple[Store, ...]:
    """Gradients and moments of the trained numbers, and the tape of `steps_held` steps (of all samples of a batch)."""
    stores: list[Store] = []
    modules: tuple[tuple[Layer, Cell | Linear], ...] = (("cell", network.cell), ("readout", network.readout))
    for layer, module in modules:
        numbers = _numbers(module)
        held: dict[Kind, int] = {"gradient": numbers, "moment": 2 * numbers if optimiser == "adam" else 0}
        held["tape"] = steps_held * module.operations().tape_values
        stores += [Store(layer, kind, words) for kind, words in held.items() if words]
    return tuple(stores)


def _numbers(module, dim: int | None = None) -> int:
    """Trained numbers; with `dim` = 1 only the biases."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad and dim in (None, p.dim()))


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
