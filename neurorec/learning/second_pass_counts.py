"""Counts of a second forward pass, in which units are compared with what they did in the first (`pepita.py`)."""

from dataclasses import astuple
from typing import Any

from neurorec.basics.counts import Counts, ForwardPass, Store
from neurorec.learning.trace_counts import LOW_PASS, synapses_of, traces_of
from neurorec.models.network import Network
from neurorec.models.wires import INPUT


def replayed(network: Network) -> list[str]:
    """The layers that hear the input; the first one stores it."""
    return [wire.target for wire in network.heard_by(INPUT)]


def tape_stores(network: Network, steps_held: int) -> tuple[Store, ...]:
    """What hidden units sent in `steps_held` steps, and the input."""
    words = {name: layer.size for name, layer in network.hidden.items()}
    words[replayed(network)[0]] = words.get(replayed(network)[0], 0) + network.input_size
    return tuple(Store(name, "tape", steps_held * number) for name, number in words.items())


def second_pass(network: Network, name: str, forward: ForwardPass) -> Counts:
    """The second pass of one layer over the observed samples, and the changes of its synapses."""
    runs, layer = forward.sample_steps, network[name]
    again = _with_values_on_input_lines(network, name, forward)
    if name == replayed(network)[0]:
        again += _pushed_input(runs, network.input_size, network[network.output].size)
    return again + (_readout(layer, runs) if name == network.output else _hidden(layer, runs))


def _with_values_on_input_lines(network: Network, name: str, forward: ForwardPass) -> Counts:
    seen, runs = forward.layers.of(name), forward.sample_steps
    for wire, arrived in zip(network.wires_into(name), forward.arrived.get(name, ()), strict=False):
        if wire.source == INPUT and network.input_signal == "spikes":
            macs = runs * int(network[name].operations().input_fan_out[network.lines_of(wire)].sum())
            values = Counts(macs=macs, dense_macs=macs, weight_reads=macs, activation_reads=runs * network.input_size)
            spikes = (a - b for a, b in zip(astuple(seen), astuple(arrived), strict=True))
            seen = Counts(*spikes) + values
    return seen


def _pushed_input(runs: int, inputs: int, outputs: int) -> Counts:
    """F e, added to the input that is read again."""
    macs, words = runs * inputs * outputs, runs * inputs
    return Counts(
        macs=macs, dense_macs=macs, weight_reads=macs, values_sent=runs * outputs, elementwise=words, tape_reads=words,
        tape_writes=words,
    )  # fmt: skip


def _hidden(layer: Any, runs: int) -> Counts:
    (synapses, lines), own = synapses_of(layer), layer.trace_operations()
    products, traces, units = runs * synapses, runs * traces_of(layer), runs * layer.size
    return Counts(
        macs=products,
        dense_macs=products,
        elementwise=units + runs * (own.per_line * lines + (own.per_synapse - 1) * synapses),  # without e = psi du
        tape_reads=units,
        tape_writes=units,
        trace_reads=traces,
        trace_writes=traces,
        trace_updates=traces,
        gradient_reads=products,
        gradient_writes=products,
    )


def _readout(readout: Any, runs: int) -> Counts:
    products, traces = runs * readout.input_size * readout.size, runs * readout.input_size * (readout.rate != 1)
    return Counts(
        macs=products,
        dense_macs=products,
        elementwise=LOW_PASS * traces,
        trace_reads=traces,
        trace_writes=traces,
        trace_updates=traces,
        gradient_reads=products,
        gradient_writes=products,
    )
