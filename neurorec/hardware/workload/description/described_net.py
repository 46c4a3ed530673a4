"""A described network as a `Net`: every population a group; random and near wires are drawn, the same for every chip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurorec.hardware.mapping.kernels import wire_kernels
from neurorec.hardware.mapping.wiring import Group, Net, Regular, Wires
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.description.populations import Population, input_size, input_spikes

SEED = 0


def net_of(net: Description, populations: list[Population], samples: int, units: int) -> Net:
    """Expected spikes over `samples` inferences, whole numbers; a neuron takes `units` hardware units."""
    arriving = int((input_spikes(net) or 0) * samples)
    groups = [
        Group(
            p.name, p.size, 1 if p.is_readout else units, np.full(p.size, int((p.spikes or 0) * samples)), p.is_readout
        )
        for p in populations
    ]
    regular, wired = [], []
    for at, p in enumerate(populations):
        regular += [Regular(line.source, at, line.fan_in) for line in p.lines]
        wired += [(line.source, at) for line in p.random]
        if p.recurrent_fan_in and p.lattice:
            wired.append((at, at))
        elif p.recurrent_fan_in:
            regular.append(Regular(at, at, p.recurrent_fan_in))
    return Net(
        groups=tuple(groups),
        input_spikes=np.full(input_size(net), arriving),
        regular=tuple(regular),
        synapses=np.repeat([p.synapses_per_unit for p in populations], [p.size for p in populations]),
        wired=frozenset(wired),
        draw=(lambda: draw_wires(populations, input_size(net))) if wired else None,
    )


def draw_wires(populations: list[Population], inputs: int) -> Wires:
    """Random and near connections of every unit; the same each time."""
    kernels = wire_kernels()
    near = [p.recurrent_fan_in if p.lattice else 0 for p in populations]
    each = [sum(line.fan_in for line in p.random) + n for p, n in zip(populations, near, strict=True)]
    sizes = [p.size for p in populations]
    starts = np.concatenate([[0], np.cumsum(np.repeat(each, sizes))]).astype(np.int64)
    lines, filled = np.empty(starts[-1], np.int32), np.zeros(sum(sizes), np.int64)
    first = np.concatenate([[0], np.cumsum(sizes)])
    for at, p in enumerate(populations):
        units = (int(first[at]), int(first[at + 1]))
        for line in p.random:
            seed = SEED + at * len(populations) + line.source
            source = inputs + int(first[line.source]), sizes[line.source]
            kernels.draw_fan_in(units, line.fan_in, *source, seed, starts, lines, filled)
        if p.lattice:
            seed = SEED + len(populations) ** 2 + at
            kernels.draw_near(units, near[at], p.lattice, p.reach, seed, inputs + units[0], starts, lines, filled)
    return Wires(starts, lines)


def with_spikes(net: Net, spikes: np.ndarray) -> Net:
    """`net` with recorded spikes of every line [I + N] instead of expected ones."""
    first = net.first + net.inputs
    groups = tuple(
        replace(group, spikes=spikes[a:b]) for group, a, b in zip(net.groups, first, first[1:], strict=False)
    )
    return replace(net, groups=groups, input_spikes=spikes[: net.inputs])
