"""Exact operation counts of one run: what the cells declare per event, times what was observed.

Every count is an integer, summed over all samples of the activity (divide by `samples` for one inference). With z_k
the spikes on line k and f_k the synapses it reaches, lines of spikes cost sum_k z_k f_k accumulates; lines of values
cost T B sum_k f_k multiply-accumulates (the first step multiplies the zero state too). Recurrent spikes of the last step are
not fed back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.hardware.chips.precision import FLOAT32
from neurorec.hardware.counts import Counts, Layer, LayerCounts
from neurorec.hardware.pricing.memory import Store
from neurorec.hardware.workload.step_counts import StepCounts, count_steps
from neurorec.models.cell import Cell, StepOperations
from neurorec.models.network import Network
from neurorec.models.readout import Linear

__all__ = ["Counts", "Operations", "count_inference", "count_layers"]


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
    stores: tuple[Store, ...]  #: what a memory must hold for one sample
    hidden_units: int
    output_units: int
    dt_ms: float | None  #: what a step stands for, where the net says it
    skipped_steps: int = 0  #: that samples shorter than others did not run, summed over samples
    per_step: StepCounts | None = field(default=None, compare=False)  #: step by step, where the activity was seen so

    @property
    def layers(self) -> LayerCounts:
        return LayerCounts(self.cell, self.readout)

    @property
    def total(self) -> Counts:
        return self.cell + self.readout

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def mean_steps(self) -> float:
        """Steps of one sample."""
        return self.sample_steps / max(1, self.samples)

    @property
    def stored_words(self) -> int:
        """Weights, biases and state."""
        return sum(store.words for store in self.stores if store.kind in ("weight", "state"))

    @property
    def stored_bytes(self) -> int:
        """As the reference engine keeps them."""
        return self.stored_words * FLOAT32.bits("weight") // 8


def count_inference(network: Network, activity: Activity) -> Operations:
    """Exact totals of running `network` forward over everything that `activity` saw.

    The readout counts every step, as the network's forward pass computes it, whether or not an answer is asked for.
    """
    cell, readout = network.cell, network.readout
    layers = count_layers(network, activity)
    spiking_input = network.input_signal == "spikes"
    return Operations(
        cell_name=cell.card.name,
        samples=activity.samples,
        steps=activity.steps,
        input_spikes=int(activity.input_spikes.sum()) if spiking_input else 0,
        input_values=0 if spiking_input else activity.sample_steps * cell.input_size,
        cell=layers.cell,
        readout=layers.readout,
        stores=_stores(network),
        hidden_units=cell.size,
        output_units=readout.size,
        dt_ms=getattr(cell.card, "dt_ms", None),
        skipped_steps=activity.skipped_steps,
        per_step=count_steps(network, activity),
    )


def count_layers(network: Network, activity: Activity) -> LayerCounts:
    """The counts of both layers, forward."""
    cell, readout = network.cell, network.readout
    declared = cell.operations()
    arriving = activity.input_spikes if network.input_signal == "spikes" else None
    recurrent = activity.recurrent_spikes if declared.recurrent_signal == "spikes" else None
    sent = activity.hidden_spikes if cell.output_signal == "spikes" else None
    return LayerCounts(
        cell=_count_layer(declared, activity, arriving, recurrent, cell.size, sent),
        readout=_count_layer(readout.operations(), activity, sent, None, readout.size, None),
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
        activation_reads=sum(runs * int((fan_out > 0).sum()) for fan_out, spikes in lines if spikes is None),
        activation_writes=values,
        address_reads=sum(int(spikes[fan_out > 0].sum()) for fan_out, spikes in lines if spikes is not None),
        address_writes=spikes,
    )


def _stores(network: Network) -> tuple[Store, ...]:
    """Synapses that exist, biases, the state of one sample, and one step of the lines that a layer hears and sends on."""
    stores: list[Store] = []
    modules: tuple[tuple[Layer, Cell | Linear], ...] = (("cell", network.cell), ("readout", network.readout))
    for layer, module in modules:
        declared = module.operations()
        synapses = int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum())
        biases = sum(parameter.numel() for parameter in module.parameters() if parameter.dim() == 1)
        lines = module.input_size + module.size
        stores += [
            Store(layer, "weight", synapses + biases),
            Store(layer, "state", declared.state_values),
            Store(layer, "activation", lines),
            Store(layer, "address", lines),
        ]
    return tuple(stores)
