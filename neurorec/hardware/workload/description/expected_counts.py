"""Expected counts of a described network, as exact integers, in the `Operations` that pricing takes.

The same rules as `hardware/workload/operations.py`: a spike costs an accumulate for every synapse it reaches, a value a
multiply-accumulate every step; recurrent spikes of the last step are not fed back. ReLU and bias ride
with the multiply-accumulates, as in the metered nets; a tanh is a nonlinearity.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from neurorec.hardware.counts import LAYERS, Counts, Kind, Layer
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.description.populations import (
    Population,
    input_size,
    input_spikes,
    samples_for_whole_counts,
    write_out,
)
from neurorec.hardware.workload.operations import Operations
from neurorec.models.cells.lif import ELEMENTWISE_PER_UNIT, STATE_PER_UNIT

STORED: tuple[Kind, ...] = ("weight", "state", "activation", "address")
CELL_OF = {"lif": "lif", "relu": "elman", "tanh": "elman"}  #: the registered cell whose chips can run such units


def count_description(net: Description) -> Operations:
    """Counts of as many inferences as make every expected count a whole number."""
    populations = write_out(net)
    samples = samples_for_whole_counts(net, populations)
    arrived = [_expected(net, populations, p, samples) for p in populations]
    return count_arrived(net, populations, samples, arrived, int((input_spikes(net) or 0) * input_size(net) * samples))


def count_arrived(
    net: Description, populations: list[Population], samples: int, arrived: list[Arrived], from_input: int
) -> Operations:
    """Counts from what arrived at each population, expected or recorded; `from_input`: spikes of all input lines."""
    cell, readout = Counts(), Counts()
    for p, of_p in zip(populations, arrived, strict=True):
        counts = _count(net, p, samples, of_p)
        if p.is_readout:
            readout += counts
        else:
            cell += counts
    values = input_spikes(net) is None
    return Operations(
        cell_name=CELL_OF[net.neuron],
        samples=samples,
        steps=net.steps,
        input_spikes=from_input,
        input_values=samples * net.steps * input_size(net) if values else 0,
        cell=cell,
        readout=readout,
        stores=_stores(net, populations),
        hidden_units=sum(p.size for p in populations if not p.is_readout),
        output_units=sum(p.size for p in populations if p.is_readout),
        dt_ms=net.dt_ms,
    )


@dataclass(frozen=True)
class Arrived:
    """At the synapses of one population: accumulates, multiply-accumulates, values and spikes heard; and the spikes it sent."""

    events: int
    macs: int
    values: int
    spikes: int
    sent: int


def _expected(net: Description, populations: list[Population], p: Population, samples: int) -> Arrived:
    runs = samples * net.steps
    events, macs, values_heard, spikes_heard = Fraction(0), 0, 0, Fraction(0)
    for line in p.lines:
        size = input_size(net) if line.source < 0 else populations[line.source].size
        spikes = input_spikes(net) if line.source < 0 else populations[line.source].spikes
        synapses = p.size * line.fan_in
        if spikes is None:
            macs, values_heard = macs + runs * synapses, values_heard + runs * size
        else:
            events, spikes_heard = events + spikes * samples * synapses, spikes_heard + spikes * samples * size
    for line in p.random:
        source = populations[line.source]
        fed_back = (source.spikes or 0) * samples * (net.steps - 1) / net.steps
        events, spikes_heard = events + fed_back * p.size * line.fan_in, spikes_heard + fed_back * source.size
    if p.recurrent_fan_in and p.spikes is not None:
        fed_back = p.spikes * samples * p.size * (net.steps - 1) / net.steps
        events, spikes_heard = events + fed_back * p.recurrent_fan_in, spikes_heard + fed_back
    elif p.recurrent_fan_in:
        macs, values_heard = macs + runs * p.size * p.recurrent_fan_in, values_heard + runs * p.size
    sent = round((p.spikes or 0) * samples * p.size)
    return Arrived(round(events), macs, values_heard, round(spikes_heard), sent)


def _count(net: Description, p: Population, samples: int, arrived: Arrived) -> Counts:
    runs = samples * net.steps
    values = 0 if p.spikes is not None else runs * p.size
    return Counts(
        synaptic_events=arrived.events,
        macs=arrived.macs,
        dense_macs=runs * p.size * p.synapses_per_unit,
        neuron_updates=0 if p.is_readout else runs * p.size,
        active_neuron_updates=arrived.sent,
        spikes=arrived.sent,
        values_sent=values,
        elementwise=runs * p.size * _elementwise(net, p),
        nonlinearities=runs * p.size if net.neuron == "tanh" and not p.is_readout else 0,
        weight_reads=arrived.events + arrived.macs,
        state_reads=runs * p.size * _state(net, p),
        state_writes=runs * p.size * _state(net, p),
        activation_reads=arrived.values,
        activation_writes=values,
        address_reads=arrived.spikes,
        address_writes=arrived.sent,
    )


def _stores(net: Description, populations: list[Population]) -> tuple[Store, ...]:
    """All layers but the readout together are the cell."""
    words: dict[tuple[Layer, Kind], int] = {(layer, kind): 0 for layer in LAYERS for kind in STORED}
    for p in populations:
        layer: Layer = "readout" if p.is_readout else "cell"
        heard = sum(input_size(net) if line.source < 0 else populations[line.source].size for line in p.lines)
        held = (p.size * (p.synapses_per_unit + _biases(net, p)), p.size * _state(net, p), *(heard + p.size,) * 2)
        for kind, count in zip(STORED, held, strict=True):
            words[layer, kind] += count
    return tuple(Store(layer, kind, count) for (layer, kind), count in words.items())


def _elementwise(net: Description, p: Population) -> int:
    if net.neuron == "relu":
        return 0
    return 1 if p.is_readout or net.neuron == "tanh" else ELEMENTWISE_PER_UNIT  # a bias, or a neuron's update


def _state(net: Description, p: Population) -> int:
    if p.is_readout:
        return 0
    if net.neuron == "lif":
        return STATE_PER_UNIT
    return 1 if p.recurrent_fan_in else 0


def _biases(net: Description, p: Population) -> int:
    return 1 if net.neuron != "lif" or p.is_readout else 0
