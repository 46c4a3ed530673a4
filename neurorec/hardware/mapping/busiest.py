"""The busiest core of every step, if the spikes of every line are known per step. A spike is processed in the step in
which it is sent.

There is no Python loop over spikes: spikes become counts per sender, which are multiplied by the sparse matrix of
deliveries to cores (about a second per 100 million synapses).
"""

from __future__ import annotations

import numpy as np

from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.kernels import route_kernels
from neurorec.hardware.mapping.layout import Layout
from neurorec.hardware.mapping.net import Net
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic
from neurorec.hardware.workload.workload import Spiked


def busiest_cores(
    net: Net, layout: Layout, traffic: SpikeTraffic, spiked: Spiked, chip: Chip, steps: int
) -> tuple[float, float, float]:
    """Synaptic events, active and inactive neurons of the busiest core of each step, summed over all steps."""
    times = chip.time.synaptic_event, chip.time.neuron_update_active, chip.time.neuron_update_inactive
    units = np.array([group.units for group in net.groups])[net.group_of]
    own = spiked.line >= net.inputs
    core = layout.core_of[spiked.line[own] - net.inputs]
    found = route_kernels().busiest_cores(
        traffic.reach.indptr,
        traffic.reach.indices,
        traffic.reach.data,
        *_by(traffic.sender_of[spiked.line], spiked.step, len(traffic.spikes)),
        *_by(core, spiked.step[own], traffic.cores),
        np.bincount(layout.core_of, units, traffic.cores).astype(np.int64),
        np.array([time.ns if time else 0.0 for time in times]),
        steps,
    )
    events, active, silent = found.sum(0).tolist()
    return events, active, silent


def _by(owner: np.ndarray, step: np.ndarray, owners: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps of owner 0, then of owner 1, and so on, and the start of each."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=owners))])
    return starts.astype(np.int64), step[np.argsort(owner, kind="stable")]
