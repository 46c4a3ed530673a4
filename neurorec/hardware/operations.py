"""Exact operation counts of one run: what the cells declare per event, times what was observed.

Every count is an integer, summed over all samples of the activity (divide by `samples` for one inference). With z_k
the spikes on line k and f_k the synapses it reaches, lines of spikes cost sum_k z_k f_k accumulates; lines of values
cost T B sum_k f_k multiply-accumulates (the first step multiplies the zero state too). Recurrent spikes of the last step are
not fed back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.models.cell import StepOperations
from neurorec.models.network import Network

WORD_BITS = 32  #: every weight, state and activation is one float32 word, as the reference engine computes


@dataclass(frozen=True)
class Counts:
    """Integer totals. An access moves one word of `WORD_BITS`, except that reading a spike moves one address."""

    synaptic_events: int = 0  #: accumulates caused by spikes
    macs: int = 0  #: multiply-accumulates caused by values
    dense_macs: int = 0  #: what a chip does that computes every synapse in every step
    neuron_updates: int = 0
    active_neuron_updates: int = 0  #: those in which the neuron spiked: equal to `spikes`
    spikes: int = 0  #: sent by the layer's units
    values_sent: int = 0  #: real numbers sent by the layer's units
    elementwise: int = 0
    nonlinearities: int = 0
    weight_reads: int = 0
    weight_writes: int = 0
    state_reads: int = 0
    state_writes: int = 0
    activation_reads: int = 0  #: spikes and values that arrive at the layer's synapses
    activation_writes: int = 0  #: spikes and values that its units put out
    tape_reads: int = 0
    tape_writes: int = 0
    plasticity_updates: int = 0  #: single weights changed by a local rule

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def scaled(self, numerator: int, denominator: int) -> Counts:
        """Every count times numerator / denominator, rounded to the nearest integer."""
        return Counts(
            *((2 * getattr(self, f.name) * numerator + denominator) // (2 * denominator) for f in fields(self))
        )

    def as_dense(self) -> Counts:
        """The same work on a chip that computes every synapse in every step."""
        weights = self.weight_reads - self.synaptic_events - self.macs + self.dense_macs
        return replace(self, synaptic_events=0, macs=self.dense_macs, weight_reads=weights)

    @property
    def memory_accesses(self) -> int:
        """Words read and written: weights, states, activations, tape."""
        return sum(getattr(self, f.name) for f in fields(self) if f.name.endswith(("_reads", "_writes")))


@dataclass(frozen=True)
class Operations:
    """Counts of a whole run over `samples` samples of `steps` steps."""

    cell_name: str  #: as registered
    samples: int
    steps: int
    input_spikes: int
    input_values: int  #: words that arrive where the input lines carry values
    cell: Counts
    readout: Counts
    stored_words: int  #: weights, biases and state of one sample: what a memory must hold
    hidden_units: int
    output_units: int
    dt_ms: float | None  #: what a step stands for, where the net says it
    skipped_steps: int = 0  #: that samples shorter than others did not run, summed over samples

    @property
    def total(self) -> Counts:
        return self.cell + self.readout

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def stored_bytes(self) -> int:
        return self.stored_words * WORD_BITS // 8


def count_inference(network: Network, activity: Activity) -> Operations:
    """Exact totals of running `network` forward over everything that `activity` saw.

    The readout counts every step, as the network's forward pass computes it, whether or not an answer is asked for.
    """
    cell, readout = network.cell, network.readout
    declared, declared_readout = cell.operations(), readout.operations()
    spiking = cell.output_signal == "spikes"
    arriving = activity.input_spikes if network.input_signal == "spikes" else None
    recurrent = activity.recurrent_spikes if declared.recurrent_signal == "spikes" else None
    return Operations(
        cell_name=cell.card.name,
        samples=activity.samples,
        steps=activity.steps,
        input_spikes=int(activity.input_spikes.sum()) if arriving is not None else 0,
        input_values=0 if arriving is not None else activity.sample_steps * cell.input_size,
        cell=_count_layer(
            declared, activity, arriving, recurrent, cell.size, activity.hidden_spikes if spiking else None
        ),
        readout=_count_layer(
            declared_readout, activity, activity.hidden_spikes if spiking else None, None, readout.size, None
        ),
        stored_words=_stored_words(network),
        hidden_units=cell.size,
        output_units=readout.size,
        dt_ms=getattr(cell.card, "dt_ms", None),
        skipped_steps=activity.skipped_steps,
    )


def _count_layer(
    declared: StepOperations,
    activity: Activity,
    arriving: np.ndarray | None,
    recurrent: np.ndarray | None,
    units: int,
    sent: np.ndarray | None,
) -> Counts:
    """Counts of one layer. `arriving`, `recurrent` and `sent` are spikes per line, or None where lines carry values."""
    runs = activity.sample_steps
    lines = ((declared.input_fan_out, arriving), (declared.recurrent_fan_out, recurrent))
    events = sum(int(spikes @ fan_out) for fan_out, spikes in lines if spikes is not None)
    macs = sum(runs * int(fan_out.sum()) for fan_out, spikes in lines if spikes is None)
    reads = sum(
        int(spikes[fan_out > 0].sum()) if spikes is not None else runs * int((fan_out > 0).sum())
        for fan_out, spikes in lines
    )
    spikes = int(sent.sum()) if sent is not None else 0
    values = 0 if sent is not None else runs * units
    return Counts(
        synaptic_events=events,
        macs=macs,
        dense_macs=runs * int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum()),
        neuron_updates=runs * declared.neuron_updates,
        active_neuron_updates=spikes,
        spikes=spikes,
        values_sent=values,
        elementwise=runs * declared.elementwise,
        nonlinearities=runs * declared.nonlinearities,
        weight_reads=events + macs,
        state_reads=runs * declared.state_values,
        state_writes=runs * declared.state_values,
        activation_reads=reads,
        activation_writes=spikes + values,
    )


def _stored_words(network: Network) -> int:
    """Synapses that exist, biases, and the state of one sample."""
    layers = (network.cell.operations(), network.readout.operations())
    synapses = sum(int(layer.input_fan_out.sum() + layer.recurrent_fan_out.sum()) for layer in layers)
    biases = sum(parameter.numel() for parameter in network.parameters() if parameter.dim() == 1)
    return synapses + biases + sum(layer.state_values for layer in layers)
