"""METIS on neurons and on cores: limits hold, never a longer way than in order, much saved where there is structure."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import partition as module
from neurorec.hardware.mapping import place
from neurorec.hardware.mapping.routes import Ground
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.description import described_work
from neurorec.hardware.workload.description.layers import write_out
from tests.hardware.mapping.made_up_nets import random_net, shrunk, small_loihi, wired_net
from tests.hardware.workload.description.made_up import made


def clusters(seed: int, count: int = 6, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Groups of units that hear only each other, numbered in random order; and how often each spikes."""
    draw = np.random.default_rng(seed)
    of = draw.permutation(np.repeat(np.arange(count), size))
    exists = (of[:, None] == of[None, :]) & ~np.eye(count * size, dtype=bool)
    return exists, draw.integers(1, 9, count * size)


def test_clusters_that_order_hides_are_found():
    exists, spikes = clusters(0)
    chip = small_loihi(cores=6, neurons_per_core=8)
    plain, parted = (place(wired_net(exists, spikes), chip, partitioned=p) for p in (False, True))
    assert parted.packets == spikes.sum()  # every spike stays on its core
    assert parted.hops == 0
    assert plain.packets > 3 * parted.packets
    assert parted.in_order == plain
    assert parted.found_by == "METIS"


LIMITS = [{"neurons_per_core": 7}, {"synapses_per_core": 60}, {"axons_per_core": 25}, {"output_axons_per_core": 40}]


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: next(iter(limits)))
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("partitioned", [False, True])
def test_no_core_holds_more_than_its_limits(limits, seed, partitioned):
    net = random_net(seed, units=60)
    chip = small_loihi(**limits)
    plan = place(net, chip, partitioned=partitioned).plan
    exists = np.zeros((net.size, net.inputs + net.size), bool)
    exists[np.repeat(np.arange(net.size), np.diff(net.wires.starts)), net.wires.lines] = True
    for core in range(plan.layout.cores):
        here = plan.layout.core_of == core
        heard = exists[here]
        outside = [set(plan.layout.core_of[exists[:, net.inputs + unit]]) for unit in np.flatnonzero(here)]
        assert 0 < here.sum() <= chip.limits.neurons_per_core.count
        assert heard.sum() <= chip.limits.synapses_per_core.count
        assert heard.any(0).sum() <= chip.limits.axons_per_core.count
        assert sum(map(len, outside)) <= chip.limits.output_axons_per_core.count


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "how", [{"partitioned": True}, {"annealed": True}, {"partitioned": True, "annealed": True}], ids=str
)
def test_what_was_asked_for_is_never_worse_than_in_order(seed, how):
    net = random_net(seed, share=0.05 + 0.1 * seed)
    chip = small_loihi(cores=5, neurons_per_core=4)
    plain, asked = place(net, chip), place(net, chip, **how)
    assert asked.plan.travel.way <= plain.plan.travel.way
    assert asked.in_order == plain


def test_cores_that_talk_share_a_chip():
    """Clusters of three cores, numbered so that in order each cluster lies on three chips."""
    of = np.arange(12) % 4
    exists = (of[:, None] == of[None, :]) & ~np.eye(12, dtype=bool)
    chip = small_loihi(cores=3, tiles=(3, 1), neurons_per_core=1)
    plain, parted = (place(wired_net(exists, np.full(12, 5)), chip, partitioned=p) for p in (False, True))
    assert plain.packets_off_chip == plain.packets == 12 * 5 * 2
    assert parted.packets_off_chip == 0


def test_a_chip_never_gets_more_cores_than_it_has():
    draw = np.random.default_rng(3)
    net = wired_net(draw.random((23, 23)) < 0.3, draw.integers(1, 9, 23))
    plan = place(net, small_loihi(cores=4, tiles=(2, 2), neurons_per_core=1), partitioned=True).plan
    assert len(np.unique(plan.places)) == 23
    assert np.bincount(plan.places // 4).max() <= 4


def test_cores_too_many_for_a_chip_move_to_one_with_room():
    between = csr_array(np.array([[0, 9, 9, 0], [9, 0, 9, 0], [9, 9, 0, 1], [0, 0, 1, 0]], dtype=float))
    part = np.array([0, 0, 0, 0])
    module._move_surplus(part, between, Ground(on_chip=2, per_tile=1, columns=2, rows=1, chips=2))
    assert sorted(part) == [0, 0, 1, 1]
    assert part[3] == 1  # it talks least


def test_a_layer_that_fits_on_one_core_is_not_torn_in_two():
    layer = {"name": "chain", "size": 24, "depth": 8, "spikes_per_step": 0.5}
    chip = shrunk(load_chip("loihi1"), neurons_per_core=32)
    net = made(layer=[layer, {"name": "out", "size": 3}])
    plain, parted = (price(described_work(net, partitioned=p), chip).mapping for p in (False, True))
    assert parted.packets < plain.packets
    assert [core[:8] for core in parted.cores] == [tuple(24 * (m == n) for m in range(8)) for n in range(8)]


def test_a_lattice_gains_much_and_random_wires_gain_nothing():
    space = {"name": "liquid", "size": 1000, "recurrent_fan_in": 20, "spikes_per_step": 0.1}
    near = made(input=None, layer=[space | {"lattice": [10, 10, 10], "reach": 1.2}])
    far = made(
        input=None,
        layer=[{k: v for k, v in space.items() if k != "recurrent_fan_in"} | {"random_fan_in": {"liquid": 200}}],
    )
    chip = shrunk(load_chip("loihi1"), neurons_per_core=25)
    saved = {}
    for name, net in (("near", near), ("far", far)):
        plain, parted = (price(described_work(net, partitioned=p), chip).mapping for p in (False, True))
        saved[name] = 1 - parted.packets / plain.packets, 1 - parted.hops / plain.hops
    assert min(saved["near"]) > 0.15
    assert max(saved["far"]) < 0.02


def test_too_many_wires_are_not_given_to_the_solver(monkeypatch):
    monkeypatch.setattr(module, "MOST_EDGES", 10)
    mapping = place(random_net(0), small_loihi(neurons_per_core=4), partitioned=True)
    assert "METIS" not in mapping.found_by.split(" + ")


def test_wires_are_drawn_as_described():
    layer = {"name": "a", "size": 60, "lattice": [5, 4, 3], "reach": 1.0, "recurrent_fan_in": 6, "spikes_per_step": 0.1}
    other = {"name": "b", "size": 40, "random_fan_in": {"a": 7, "b": 3}, "spikes_per_step": 0.2}
    net = made(input=None, layer=[layer, other])
    plan = price(described_work(net), "loihi1").mapping.plan
    wires, counted = plan.net.wires, count_work(described_work(net))
    heard = [set(wires.lines[a:b]) for a, b in zip(wires.starts, wires.starts[1:], strict=False)]
    assert [len(lines) for lines in heard] == [6] * 60 + [10] * 40  # all different
    assert all(unit not in lines for unit, lines in enumerate(heard[:60]))
    assert all(len({line for line in lines if line < 60}) == 7 for lines in heard[60:])
    spikes = np.repeat([float(p.spikes) for p in write_out(net)], [60, 40]) * counted.samples
    events = sum(spikes[list(lines)].sum() for lines in heard)
    assert counted.total.synaptic_events == pytest.approx(events * 5 / 6)  # of 6 steps; the last is not heard
