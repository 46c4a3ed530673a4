"""Counts of eligibility traces that pairs of spikes leave, and of one reward per sample (`reward_stdp.py`).

Per step: the traces of lines and neurons, and the eligibility of each synapse, decay (one product each). At a spike, the trace
of its line or neuron grows by 1; at each of its synapses, the trace of the other end is added to the eligibility (for a spike
of a line, times the depression). Per sample: the reward minus its mean is broadcast; a synapse adds its product with the
eligibility to the sum of its changes. Per update: the sum is scaled and added to the weight, which is compared with its bounds.

In the readout, lines are filtered as for the answer, and averaged over time, in every step; a change is the product of this
mean with the reward beyond the usual and the surprise of the output. Adam and clipping follow.
"""

from __future__ import annotations

from typing import Any

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store
from neurorec.learning.gradient_counts import adam, clip
from neurorec.learning.trace_counts import LOW_PASS, synapses_of
from neurorec.models.network import Network

SCALE_AND_ADD, BOUNDS = 2, 2  #: operations: a product and a sum; two comparisons
MEAN = 2  #: operations: a product and a sum


def layer_counts(model: Network, name: str, forward: ForwardPass) -> Counts:
    """Of a hidden layer, over the observed samples."""
    layer, seen = model[name], forward.layers.of(name)
    synapses, lines = synapses_of(layer)
    decaying = forward.sample_steps * (lines + layer.size + synapses)
    pairs = seen.synaptic_events + seen.spikes * lines
    own = seen.address_reads + seen.spikes
    products = forward.samples * synapses
    return Counts(
        macs=products,
        dense_macs=products,
        elementwise=decaying + own + 2 * seen.synaptic_events + seen.spikes * lines,
        trace_reads=decaying + own + 2 * pairs + products,
        trace_writes=decaying + own + pairs,
        trace_updates=decaying + own + pairs,
        gradient_reads=products,
        gradient_writes=products,
    )


def readout_counts(model: Network, forward: ForwardPass) -> Counts:
    """Over the observed samples, with the running mean of rewards."""
    readout: Any = model[model.output]
    filtered, heard, outputs = int(readout.rate != 1), readout.input_size, readout.size
    traced, products = forward.sample_steps * heard, forward.samples * outputs * (heard + 1)
    touched = traced * (filtered + 1)
    return Counts(
        macs=products,
        dense_macs=products,
        values_sent=forward.samples,
        elementwise=traced * (filtered * LOW_PASS + MEAN) + forward.samples * (2 * outputs + 2),
        trace_reads=touched + products,
        trace_writes=touched,
        trace_updates=touched,
        gradient_reads=products,
        gradient_writes=products,
    )


def at_updates(model: Network, updates: int) -> LayerCounts:
    hidden = {}
    for name, layer in model.hidden.items():
        each = updates * synapses_of(layer)[0]
        hidden[name] = Counts(
            elementwise=(SCALE_AND_ADD + BOUNDS) * each, weight_reads=each, weight_writes=each, gradient_reads=each,
            plasticity_updates=each,
        )  # fmt: skip
    numbers = updates * model.trained_numbers(model.output)
    shared = Counts(elementwise=updates * (1 + 3), nonlinearities=updates)  # root of the norm; mean of rewards
    return LayerCounts({**hidden, model.output: adam(numbers) + clip(numbers) + shared})


def pairing_stores(model: Network) -> tuple[Store, ...]:
    """Traces per sample, sums of changes, Adam's moments, and the usual reward."""
    stores: list[Store] = []
    for name, layer in model.hidden.items():
        synapses, lines = synapses_of(layer)
        stores += [Store(name, "trace", lines + layer.size + synapses), Store(name, "gradient", synapses)]
    readout, numbers = model[model.output], model.trained_numbers(model.output)
    traces = (int(readout.rate != 1) + 1) * readout.input_size + 1
    return (
        *stores, Store(model.output, "trace", traces), Store(model.output, "gradient", numbers),
        Store(model.output, "moment", 2 * numbers),
    )  # fmt: skip
