"""A described network as a workload: all layers expanded, with the spikes expected from its firing rates, or those of a
recording.

The rules are those of a trained network: a spike costs one accumulate per synapse it reaches, a value one multiply-accumulate
per synapse and step. ReLU and bias are included in the multiply-accumulates, as in the metered networks; a tanh is a
nonlinearity.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neurorec.hardware.mapping.kernels import wire_kernels
from neurorec.hardware.workload.changes import check_countable
from neurorec.hardware.workload.description.extent import check_extent
from neurorec.hardware.workload.description.layers import Described, FanIn, input_size, input_spikes, write_out
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.description.spike_recording import read_recording
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular, Wires, Wiring
from neurorec.hardware.workload.workload import PopulationWork, ProjectionWork, Spiked, Workload
from neurorec.models.cells.lif import ELEMENTWISE_PER_UNIT, LIF, STATE_PER_UNIT
from neurorec.models.wires import INPUT

SEED = 0


def described_work(net: Description, recording: Path | None = None, **setting: Any) -> Workload:
    """`recording`: a file of spikes (`spike_recording.py`). `setting`: see `Setting`."""
    check_extent(net)
    layers = write_out(net)
    work = _expected(net, layers, samples_for_whole_counts(net, layers))
    asked = Setting(batch=net.batch, clock_MHz=net.clock_MHz, waits=net.waits)
    work = replace(work, setting=replace(asked, **{key: value for key, value in setting.items() if value is not None}))
    return work if recording is None else _recorded(work, read_recording(recording, net, layers))


def samples_for_whole_counts(net: Description, layers: list[Described]) -> int:
    """The number of inferences for which every expected count is an integer."""
    spikes = [input_spikes(net), *(layer.spikes for layer in layers)]
    fed_back = [layer.spikes / net.steps for layer in layers if layer.spikes is not None]
    samples = math.lcm(*(count.denominator for count in (*spikes, *fed_back) if count is not None))
    sizes = [input_size(net), *(layer.size for layer in layers)]
    events = sum(
        (spikes[line.source + 1] or 0) * layer.size * line.fan_in
        for at, layer in enumerate(layers)
        for line in (*layer.lines, *layer.random, *layer.own(at))
    )
    check_countable(sum((count or 0) * size for count, size in zip(spikes, sizes, strict=True)), samples, events)
    return samples


def _expected(net: Description, layers: list[Described], samples: int) -> Workload:
    @cache
    def whole(spikes: Fraction | None, size: int) -> np.ndarray | None:
        return None if spikes is None else np.full(size, int(spikes * samples))

    def projection(line: FanIn, target: Described, later: bool) -> ProjectionWork:
        at_input = line.source == INPUT_LINES
        size = input_size(net) if at_input else layers[line.source].size
        sent = input_spikes(net) if at_input else layers[line.source].spikes
        last = whole(None if sent is None or not later else sent / net.steps, size)
        return ProjectionWork(
            sources=(INPUT if at_input else layers[line.source].name,),
            target=target.name,
            lines=size,
            synapses=target.size * line.fan_in,
            spikes=whole(sent if sent is None or not later else sent - sent / net.steps, size),
            unheard=last,
            stored=target.size * line.fan_in,
        )

    heard = {line.source for layer in layers for line in layer.lines}
    return Workload(
        samples=samples,
        steps=net.steps,
        input_size=input_size(net),
        input_spikes=whole(input_spikes(net), input_size(net)),
        populations=tuple(
            _population(net, layer, whole(layer.spikes, layer.size), at in heard) for at, layer in enumerate(layers)
        ),
        projections=tuple(
            projection(line, layer, later)
            for at, layer in enumerate(layers)
            for lines, later in ((layer.lines, False), (layer.random, True), (layer.own(at), True))
            for line in lines
        ),
        wiring=_wiring(net, layers),
        dt_ms=net.dt_ms,
        expected=True,
    )


def _population(net: Description, layer: Described, spikes: np.ndarray | None, heard: bool) -> PopulationWork:
    spiking, plain = net.neuron == "lif", net.neuron == "relu"
    each = (
        ELEMENTWISE_PER_UNIT if spiking and not layer.is_readout else 0 if plain else 1
    )  # a neuron's update, or a bias
    state = 0 if layer.is_readout else STATE_PER_UNIT if spiking else int(layer.recurrent_fan_in > 0)
    return PopulationWork(
        name=layer.name,
        size=layer.size,
        spikes=spikes,
        updates=0 if layer.is_readout else layer.size,
        elementwise=layer.size * each,
        nonlinearities=layer.size if net.neuron == "tanh" and not layer.is_readout else 0,
        state=layer.size * state,
        biases=layer.size if not spiking or layer.is_readout else 0,
        is_readout=layer.is_readout,
        values_travel=heard or not layer.is_readout,
        needs=_needs(net, layer),
    )


def _needs(net: Description, layer: Described) -> frozenset[str]:
    if layer.is_readout:
        return frozenset()
    return LIF.needs | {"spikes"} if net.neuron == "lif" else frozenset({"values"})


def _recorded(work: Workload, spiked: Spiked) -> Workload:
    """One inference with these spikes, and with drawn wires where the card gives only their number."""
    sizes = [p.size for p in work.populations]
    first = dict(zip((INPUT, *work.of), np.cumsum([0, work.input_size, *sizes]), strict=False))
    lines = work.input_size + sum(sizes)
    sent = np.bincount(spiked.line, minlength=lines)
    passed_on = np.bincount(spiked.line[spiked.step < work.steps - 1], minlength=lines)
    at, wires = {name: n for n, name in enumerate((INPUT, *work.of), start=-1)}, work.wiring.wires

    def heard(one: ProjectionWork) -> ProjectionWork:
        if one.spikes is None:
            return one
        own = slice(first[one.sources[0]], first[one.sources[0]] + one.lines)
        fan_out = None
        if (at[one.sources[0]], at[one.target]) in work.wiring.wired:
            units = first[one.target] - work.input_size
            starts = wires.starts[units], wires.starts[units + work.of[one.target].size]
            fan_out = np.bincount(wires.lines[slice(*starts)], minlength=lines)[own]
        spikes, later = sent[own], one.unheard is not None
        unheard = spikes - passed_on[own] if later else None
        return replace(one, spikes=passed_on[own] if later else spikes, unheard=unheard, fan_out=fan_out)

    return replace(
        work,
        samples=1,
        expected=False,
        spiked=spiked,
        input_spikes=None if work.input_spikes is None else sent[: work.input_size],
        populations=tuple(
            p if p.spikes is None else replace(p, spikes=sent[first[p.name] : first[p.name] + p.size])
            for p in work.populations
        ),
        projections=tuple(heard(one) for one in work.projections),
    )


def _wiring(net: Description, layers: list[Described]) -> Wiring:
    regular, wired = [], []
    for at, layer in enumerate(layers):
        regular += [Regular(line.source, at, line.fan_in) for line in layer.lines]
        wired += [(line.source, at) for line in layer.random]
        if layer.recurrent_fan_in and layer.lattice:
            wired.append((at, at))
        elif layer.recurrent_fan_in:
            regular.append(Regular(at, at, layer.recurrent_fan_in))
    return Wiring(
        regular=tuple(regular),
        synapses=np.repeat([layer.synapses_per_unit for layer in layers], [layer.size for layer in layers]),
        input_reaches=np.ones(input_size(net), bool),
        wired=frozenset(wired),
        draw=(lambda: draw_wires(layers, input_size(net))) if wired else None,
    )


def draw_wires(layers: list[Described], inputs: int) -> Wires:
    """Random and neighbouring connections of every unit; always the same."""
    kernels = wire_kernels()
    near = [layer.recurrent_fan_in if layer.lattice else 0 for layer in layers]
    each = [sum(line.fan_in for line in layer.random) + n for layer, n in zip(layers, near, strict=True)]
    sizes = [layer.size for layer in layers]
    starts = np.concatenate([[0], np.cumsum(np.repeat(each, sizes))]).astype(np.int64)
    lines, filled = np.empty(starts[-1], np.int32), np.zeros(sum(sizes), np.int64)
    first = np.concatenate([[0], np.cumsum(sizes)])
    for at, layer in enumerate(layers):
        units = (int(first[at]), int(first[at + 1]))
        for line in layer.random:
            seed = SEED + at * len(layers) + line.source
            source = inputs + int(first[line.source]), sizes[line.source]
            kernels.draw_fan_in(units, line.fan_in, *source, seed, starts, lines, filled)
        if layer.lattice:
            seed = SEED + len(layers) ** 2 + at
            kernels.draw_near(
                units, near[at], layer.lattice, layer.reach, seed, inputs + units[0], starts, lines, filled
            )
    return Wires(starts, lines)
