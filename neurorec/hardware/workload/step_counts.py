"""The same counts step by step, where the engine saw activity step by step. Sums over the steps are the totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.engines.activity import Activity
from neurorec.models.network import Network


@dataclass(frozen=True)
class StepCounts:
    """Integers [T], summed over all samples."""

    cell_events: np.ndarray  #: synaptic events
    cell_macs: np.ndarray
    readout_events: np.ndarray
    readout_macs: np.ndarray
    spikes: np.ndarray  #: of the recurrent layer: its active neuron updates
    neuron_updates: np.ndarray  #: of the recurrent layer
    running: np.ndarray  #: samples that still ran
    arriving: np.ndarray  #: input spikes on lines that reach a synapse


def count_steps(network: Network, activity: Activity) -> StepCounts | None:
    """None where the activity holds only totals (it was stored by an older version, or made up)."""
    if activity.input_steps is None or activity.hidden_steps is None or activity.recurrent_steps is None:
        return None
    cell, declared = network.cell, network.cell.operations()
    inputs, hidden, back, T = activity.input_steps, activity.hidden_steps, activity.recurrent_steps, activity.steps
    fed_back = np.concatenate([np.zeros_like(back[:1]), back[:-1]])[:T]
    nothing, each = np.zeros(T, dtype=np.int64), activity.running
    assert each is not None
    spiking_in, spiking = network.input_signal == "spikes", cell.output_signal == "spikes"
    recurrent_spikes = declared.recurrent_signal == "spikes"
    events = (inputs @ declared.input_fan_out if spiking_in else nothing) + (
        fed_back @ declared.recurrent_fan_out if recurrent_spikes else nothing
    )
    macs = (nothing if spiking_in else each * int(declared.input_fan_out.sum())) + (
        nothing if recurrent_spikes else each * int(declared.recurrent_fan_out.sum())
    )
    out = network.readout.operations().input_fan_out
    return StepCounts(
        cell_events=events,
        cell_macs=macs,
        readout_events=hidden @ out if spiking else nothing,
        readout_macs=nothing if spiking else each * int(out.sum()),
        spikes=hidden.sum(1) if spiking else nothing,
        neuron_updates=each * declared.neuron_updates,
        running=each,
        arriving=inputs[:, declared.input_fan_out > 0].sum(1) if spiking_in else nothing,
    )
