"""Recorded spikes of a described network: the same counts as a walk over every spike and synapse; files with faults."""

import re
from collections import Counter

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work
from neurorec.hardware.workload.description.described import draw_wires
from neurorec.hardware.workload.description.layers import write_out
from tests.hardware.mapping.made_up_nets import loads, shrunk, walk
from tests.hardware.workload.description.made_up import made

STEPS, INPUTS = 6, 5
LAYERS = [
    {"name": "a", "size": 12, "hears": ["input"], "lattice": [3, 2, 2], "reach": 1.0, "recurrent_fan_in": 4,
     "spikes_per_step": 0.3},
    {"name": "b", "size": 9, "random_fan_in": {"a": 5, "b": 2}, "spikes_per_step": 0.2},
    {"name": "c", "size": 7, "hears": ["a", "b"], "recurrent": True, "spikes_per_step": 0.1},
    {"name": "out", "size": 3},
]  # fmt: skip
UNITS = 28  # that spike


@pytest.fixture
def recorded(tmp_path):
    """A net, the file of a recording of it, and its spikes: pairs of step and line, the input's lines first."""
    draw = np.random.default_rng(2)
    raster = draw.random((STEPS, INPUTS + UNITS)) < 0.3
    step, line = np.nonzero(raster)
    own = line >= INPUTS
    path = tmp_path / "spikes.npz"
    np.savez(path, step=step[own], unit=line[own] - INPUTS, input_step=step[~own], input_line=line[~own])
    return made(layer=LAYERS), path, list(zip(step.tolist(), line.tolist(), strict=True))


def hearers(net) -> dict[int, list[tuple[int, bool]]]:
    """Of each line: the units that hear it, and whether one step later."""
    wires, found = draw_wires(write_out(net), INPUTS), {}
    for unit in range(UNITS + 3):
        for line in wires.lines[wires.starts[unit] : wires.starts[unit + 1]].tolist():
            found.setdefault(line, []).append((unit, True))
    first = INPUTS + np.array([0, 12, 21, 28])
    whole = [(range(INPUTS), range(12), False), (range(first[0], first[2]), range(21, 28), False)]
    whole += [(range(first[2], first[3]), range(21, 28), True), (range(first[2], first[3]), range(28, 31), False)]
    for lines, units, later in whole:
        for line in lines:
            found.setdefault(line, []).extend((unit, later) for unit in units)
    return found


def test_counts_are_those_of_every_spike_walked(recorded):
    net, path, spikes = recorded
    counted = price(described_work(net, recording=path), "loihi1").operations
    heard = hearers(net)
    events = Counter(
        unit >= UNITS for step, line in spikes for unit, later in heard[line] if not (later and step == STEPS - 1)
    )
    readout = counted.layers["out"].synaptic_events
    assert (counted.total.synaptic_events - readout, readout) == (events[False], events[True])
    assert counted.total.spikes == sum(line >= INPUTS for _, line in spikes)
    assert counted.input_spikes == sum(line < INPUTS for _, line in spikes)
    assert counted.samples == 1


@pytest.mark.parametrize("how", [{}, {"partitioned": True, "annealed": True}], ids=str)
def test_routes_and_busiest_cores_are_those_of_every_spike_walked(recorded, how):
    net, path, spikes = recorded
    chip = shrunk(load_chip("loihi1"), neurons_per_core=4, cores=16)
    cost = price(described_work(net, recording=path, **how), chip)
    mapping, plan, heard = cost.mapping, cost.mapping.plan, hearers(net)
    links, count = walk(plan)
    assert loads(plan) == links
    assert mapping.packets == count["packets"]

    work, active = Counter(), Counter()
    for step, line in spikes:
        for unit, _ in heard[line]:
            work[step, plan.layout.core_of[unit]] += 1
        if line >= INPUTS:
            active[step, plan.layout.core_of[line - INPUTS]] += 1
    held = np.bincount(plan.layout.core_of)
    longest_ns = [
        max(work[t, c] * 3.5 + active[t, c] * 8.4 + (held[c] - active[t, c]) * 5.3 for c in range(len(held)))
        for t in range(STEPS)
    ]
    barrier_ns = 113 + (465 - 113) * (mapping.tiles_used - 1) / 31
    assert cost.latency_us.value * 1e3 == pytest.approx(sum(longest_ns) + STEPS * barrier_ns)


def test_recorded_spikes_at_the_stated_rate_cost_what_the_rate_costs(tmp_path):
    """Every unit spikes in every step: nothing is left to chance."""
    layers = [layer | {"spikes_per_step": 1.0} for layer in LAYERS[:3]]
    net = made(layer=layers, input={"size": INPUTS, "signal": "spikes", "spikes_per_step": 1.0})
    step, line = (part.ravel() for part in np.indices((STEPS, INPUTS + UNITS)))
    own = line >= INPUTS
    path = tmp_path / "all.npz"
    np.savez(path, step=step[own], unit=line[own] - INPUTS, input_step=step[~own], input_line=line[~own])
    for chip in ("loihi1", "spinnaker1", "cmos_45nm"):
        expected, recorded = price(described_work(net), chip), price(described_work(net, recording=path), chip)
        assert recorded.operations.layers == expected.operations.layers.scaled(1, expected.operations.samples)
        assert recorded.dynamic_pJ.value == pytest.approx(expected.dynamic_pJ.value)


FAULTS = [
    ({"step": [0, 1]}, "the array unit is missing (there are: input_line, input_step, step)"),
    ({"step": [0, 6], "unit": [1, 1]}, "step[1] = 6, expected 0 to 5"),
    ({"step": [0, 1], "unit": [1, 99]}, "unit[1] = 99, expected 0 to 30"),
    ({"step": [0, 1], "unit": [1, 30]}, "unit 30 is a readout, which never spikes"),
    ({"step": [0, 1], "unit": [1]}, "unit must be integers, one per spike, as many as in step"),
    ({"step": [0.5], "unit": [1]}, "step must be integers"),
]


@pytest.mark.parametrize(("arrays", "told"), FAULTS, ids=[told[:20] for _, told in FAULTS])
def test_a_faulty_recording_is_told_what_is_wrong(tmp_path, arrays, told):
    path = tmp_path / "faulty.npz"
    np.savez(path, input_step=[0], input_line=[0], **arrays)
    with pytest.raises(InputError, match=re.escape(told)):
        price(described_work(made(layer=LAYERS), recording=path), "loihi1")


def test_a_file_that_is_no_recording_is_told_how_to_write_one(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("step unit")
    with pytest.raises(InputError, match=r"this is not a NumPy file; save it with .* numpy.savez \(.npz\)"):
        price(described_work(made(), recording=path), "loihi1")
    with pytest.raises(InputError, match="there is no such recording"):
        price(described_work(made(), recording=tmp_path / "none.npz"), "loihi1")
