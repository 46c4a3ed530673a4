"""Recorded spikes of a described network.

A recording is a .npz file of one inference with the integer arrays `step` and `unit` (one entry per spike; units numbered
across all layers in order, with `depth` and `copies` expanded) and, if the input is spikes, `input_step` and
`input_line`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurorec.basics.errors import InputError, shown
from neurorec.basics.numpy_file import array_names, read_array
from neurorec.hardware.workload.description.layers import Described, input_size, input_spikes
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.workload import Spiked


def read_recording(path: Path, net: Description, layers: list[Described]) -> Spiked:
    """Raises `InputError` naming the invalid array or entry."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording; write one with numpy.savez(path, step=..., unit=...)")
    names = array_names(path)
    if names == [""]:
        raise InputError(
            f"{path}: this is a single array; write a .npz file with numpy.savez(path, step=..., unit=...)"
        )
    spiking_input = net.input is not None and input_spikes(net) is not None
    inputs, units = input_size(net) if spiking_input else 0, sum(p.size for p in layers)
    pairs = [("step", "unit", units), *([("input_step", "input_line", inputs)] if spiking_input else [])]
    arrays = {name: read_array(path, name) for pair in pairs for name in pair[:2] if name in names}
    found = [_pair(path, arrays, names, *pair, steps=net.steps) for pair in pairs]
    silent = np.repeat([p.is_readout for p in layers], [p.size for p in layers])
    if silent[found[0][1]].any():
        raise InputError(f"{path}: unit {found[0][1][silent[found[0][1]]][0]} is a readout, which never spikes")
    step = np.concatenate([found[-1][0], found[0][0]] if spiking_input else [found[0][0]])
    offset = input_size(net)
    line = np.concatenate([found[-1][1], found[0][1] + offset] if spiking_input else [found[0][1] + offset])
    return Spiked(step.astype(np.int64), line.astype(np.int64))


def _pair(
    path: Path, arrays: Mapping[str, np.ndarray], names: list[str], when: str, who: str, size: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    for name, past in ((when, steps), (who, size)):
        if name not in arrays:
            raise InputError(f"{path}: the array {name} is missing (there are: {shown(', '.join(sorted(names)), 200)})")
        array = arrays[name]
        if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) != len(arrays[when]):
            raise InputError(f"{path}: {name} must be integers, one per spike, as many as in {when}")
        wrong = (array < 0) | (array >= past)
        if wrong.any():
            raise InputError(f"{path}: {name}[{np.argmax(wrong)}] = {array[wrong][0]}, expected 0 to {past - 1}")
    return arrays[when], arrays[who]
