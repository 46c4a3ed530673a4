"""A recorded run of a described network: which unit spiked in which step; exact counts, routes and busiest cores from it.

A recording is a .npz file of one inference with the integer arrays `step` and `unit` (one entry a spike; units counted
through all layers in order, `depth` and `copies` written out) and, where the input is spikes, `input_step` and
`input_line`. Nothing here walks spike by spike in Python: spikes become counts per unit, and those are multiplied with
the sparse matrix of who reaches which core (about a second per 100 million synapses).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.mapping.kernels import route_kernels
from neurorec.hardware.mapping.wiring import INPUT, Net
from neurorec.hardware.workload.description.expected_counts import Arrived, count_arrived
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.description.populations import Population, input_size, input_spikes
from neurorec.hardware.workload.operations import Operations


@dataclass(frozen=True)
class Recording:
    """One entry a spike: its step, and its line (the input's lines first, then all units)."""

    step: np.ndarray
    line: np.ndarray
    lines: int

    def spikes(self, before: int | None = None) -> np.ndarray:
        """[I + N] spikes of each line; `before`: only those of earlier steps."""
        kept = self.line if before is None else self.line[self.step < before]
        return np.bincount(kept, minlength=self.lines)


def read_recording(path: Path, net: Description, populations: list[Population]) -> Recording:
    """Raises `InputError` saying which array or entry is wrong."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording; write one with numpy.savez(path, step=..., unit=...)")
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile):
        raise InputError(f"{path}: it is no .npz file; write it with numpy.savez(path, step=..., unit=...)") from None
    spiking_input = net.input is not None and input_spikes(net) is not None
    inputs, units = input_size(net) if spiking_input else 0, sum(p.size for p in populations)
    pairs = [("step", "unit", units), *([("input_step", "input_line", inputs)] if spiking_input else [])]
    found = [_pair(path, arrays, *pair, steps=net.steps) for pair in pairs]
    silent = np.repeat([p.is_readout for p in populations], [p.size for p in populations])
    if silent[found[0][1]].any():
        raise InputError(f"{path}: unit {found[0][1][silent[found[0][1]]][0]} is a readout, which never spikes")
    step = np.concatenate([found[-1][0], found[0][0]] if spiking_input else [found[0][0]])
    offset = input_size(net)
    line = np.concatenate([found[-1][1], found[0][1] + offset] if spiking_input else [found[0][1] + offset])
    return Recording(step.astype(np.int64), line.astype(np.int64), offset + units)


def _pair(
    path: Path, arrays: Table[str, np.ndarray], when: str, who: str, size: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    for name, past in ((when, steps), (who, size)):
        if name not in arrays:
            raise InputError(f"{path}: the array {name} is missing (there are: {', '.join(sorted(arrays)) or 'none'})")
        array = arrays[name]
        if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) != len(arrays[when]):
            raise InputError(f"{path}: {name} must be integers, one for each spike, as many as in {when}")
        wrong = (array < 0) | (array >= past)
        if wrong.any():
            raise InputError(f"{path}: {name}[{np.argmax(wrong)}] = {array[wrong][0]}, expected 0 to {past - 1}")
    return arrays[when], arrays[who]


def count_recording(net: Description, populations: list[Population], recording: Recording, placed: Net) -> Operations:
    """Exact counts of the recorded inference; where only a fan-in is stated, of the mean fan-out."""
    spikes, fed_back = recording.spikes(), recording.spikes(before=net.steps - 1)
    first, inputs, runs = placed.first + placed.inputs, placed.inputs, net.steps
    arrived = []
    for at, p in enumerate(populations):
        events, macs, values, heard = 0.0, 0, 0, 0
        for line in p.lines:
            size = placed.size_of(line.source)
            carried = input_spikes(net) if line.source == INPUT else populations[line.source].spikes
            arriving = spikes[:inputs] if line.source == INPUT else spikes[first[line.source] : first[line.source + 1]]
            if carried is None:
                macs, values = macs + runs * p.size * line.fan_in, values + runs * size
            else:
                events, heard = events + arriving.sum() * p.size * line.fan_in / size, heard + arriving.sum()
        own = slice(first[at], first[at + 1])
        if p.recurrent_fan_in and p.spikes is not None:
            heard += fed_back[own].sum()
            events += 0 if p.lattice else fed_back[own].sum() * p.recurrent_fan_in
        heard += sum(fed_back[first[line.source] : first[line.source + 1]].sum() for line in p.random)
        if p.lattice or p.random:
            starts, lines = placed.wires.starts, placed.wires.lines
            events += fed_back[lines[starts[placed.first[at]] : starts[placed.first[at + 1]]]].sum()
        arrived.append(Arrived(round(events), macs, values, int(heard), int(spikes[own].sum())))
    return count_arrived(net, populations, 1, arrived, int(spikes[:inputs].sum()))


def with_busiest_cores(mapping: Mapping, recording: Recording, chip: Chip, steps: int) -> Mapping:
    """`mapping` with the work of the busiest core of every step; a spike is worked on in the step in which it is sent."""
    times = chip.time.synaptic_event, chip.time.neuron_update_active, chip.time.neuron_update_inactive
    if mapping.plan is None or chip.time.barrier_one_tile is None:
        return mapping
    plan, traffic = mapping.plan, mapping.plan.traffic
    units = np.array([group.units for group in plan.net.groups])[plan.net.group_of]
    own = recording.line >= plan.net.inputs
    core = plan.layout.core_of[recording.line[own] - plan.net.inputs]
    busiest = route_kernels().busiest_cores(
        traffic.reach.indptr,
        traffic.reach.indices,
        traffic.reach.data,
        *_by(traffic.sender_of[recording.line], recording.step, len(traffic.spikes)),
        *_by(core, recording.step[own], traffic.cores),
        np.bincount(plan.layout.core_of, units, traffic.cores).astype(np.int64),
        np.array([time.ns if time else 0.0 for time in times]),
        steps,
    )
    events, active, silent = busiest.sum(0).tolist()
    return replace(mapping, busiest=(events, active, silent))


def _by(owner: np.ndarray, step: np.ndarray, owners: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps of owner 0, then of owner 1 ..., and where each begins."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=owners))])
    return starts.astype(np.int64), step[np.argsort(owner, kind="stable")]
