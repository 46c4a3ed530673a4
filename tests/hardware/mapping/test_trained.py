"""Neurons to cores in order: who sits where, how far spikes travel, what does not fit and by how much."""

import numpy as np
import pytest

from neurorec.basics.errors import CannotRun
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import place_work
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.trained import trained_work
from tests.hardware.mapping.made_up_nets import loads, shrunk, walk
from tests.hardware.nets import make_net, run


def test_a_small_net_sits_on_one_core():
    net = make_net("lif", size=7, outputs=3)
    activity, _, _ = run(net)
    mapping = place_work(trained_work(net, activity), load_chip("loihi1"))
    assert mapping.cores == ((7, 3),)
    assert (
        mapping.packets == mapping.within_tile == activity.input.spikes.sum() + activity.layers["hidden"].spikes.sum()
    )
    assert mapping.share_of_chip == 1 / 128


def test_neurons_fill_cores_in_order_and_spikes_hop():
    net = make_net("lif", inputs=5, size=7, outputs=3)
    activity, _, _ = run(net)
    mapping = place_work(trained_work(net, activity), shrunk(load_chip("loihi1"), neurons_per_core=1))
    assert mapping.cores[:7] == ((1, 0),) * 7
    assert mapping.cores[7:] == ((0, 1),) * 3
    assert mapping.tiles_used == 3  # ten cores, four a tile
    # tile 0: units 0-3, tile 1: units 4-6 and output 0, tile 2: outputs 1 and 2; all in the first row of tiles
    inputs, spikes = activity.input.spikes.sum(), activity.layers["hidden"].spikes
    assert mapping.hops_north_south == 0
    from_tile_0 = 4 * 1 + 2 * 2  # four targets one tile east, two targets two tiles east
    from_tile_1 = 4 * 1 + 2 * 1
    assert mapping.hops_east_west == inputs * 3 + spikes[:4].sum() * from_tile_0 + spikes[4:].sum() * from_tile_1
    assert mapping.packets == inputs * 7 + spikes.sum() * 10


def test_adaptive_neurons_take_two_compartments():
    net = make_net("adaptive_lif", size=6, outputs=2)
    chip = shrunk(load_chip("loihi1"), neurons_per_core=4)
    mapping = place_work(trained_work(net, run(net)[0]), chip)
    assert [core[0] for core in mapping.cores] == [2, 2, 2, 0]


def test_synaptic_memory_limits_a_core_too():
    net = make_net("lif", inputs=5, size=7, outputs=3)  # 12 synapses a neuron, 7 an output
    chip = shrunk(load_chip("loihi1"), synapses_per_core=24)
    assert (
        len(place_work(trained_work(net, run(net)[0]), chip).cores) == 4 + 1
    )  # the last neuron leaves room for one output


TOO_BIG = [
    (
        "odin",
        {"size": 254, "outputs": 10},
        "2 cores are needed and it has no links to a second chip, the limit cores is 1 (1 too many)",
    ),
    (
        "odin",
        {"size": 200, "inputs": 60},
        "260 lines arrive at its fullest core, the limit axons_per_core is 256 (4 too many)",
    ),
    (
        "truenorth",
        {"size": 250, "inputs": 4, "outputs": 10},
        "2 target cores per neuron, the limit targets_per_neuron is 1 (1 too many)",
    ),
]


@pytest.mark.parametrize(("chip", "sizes", "told"), TOO_BIG)
def test_too_big_says_which_limit_and_by_how_much(chip, sizes, told):
    net = make_net("lif", **sizes)
    activity, _, _ = run(net, steps=2, samples=1)
    with pytest.raises(CannotRun, match="does not fit") as refusal:
        place_work(trained_work(net, activity), load_chip(chip))
    assert told in str(refusal.value)
    cost = estimate_cost(net, activity, chip)
    assert not cost.can_run
    assert told in cost.why_not


def test_hops_run_both_ways_over_the_mesh():
    net = make_net("lif", inputs=1, size=40, outputs=1)  # 41 cores: unit 39 on tile 9, one row down and one column east
    activity, _, _ = run(net)
    mapping = place_work(trained_work(net, activity), shrunk(load_chip("loihi1"), neurons_per_core=1))
    spikes, below = activity.layers["hidden"].spikes, [n // 4 >= 8 for n in range(41)]
    sent = [*spikes, 0]
    to_other_row = sum(
        int(sent[sender]) for sender in range(41) for target in range(41) if below[sender] != below[target]
    )
    assert mapping.hops_north_south == to_other_row + activity.input.spikes.sum() * sum(below[:40])
    assert mapping.tiles_used == 11
    cost = estimate_cost(net, activity, shrunk(load_chip("loihi1"), neurons_per_core=1))
    barrier_ns = 113 + (465 - 113) * 10 / 31
    hidden, readout = cost.operations.per_step.values()
    samples = activity.samples
    link_ns = mapping.hottest_link / samples / activity.steps * 0.2907
    busiest_ns = 0.0
    for t in range(activity.steps):  # each step waits for its own busiest core, or for the hottest link
        active = hidden.spikes[t] / 40 / samples
        hidden_ns = hidden.events[t] / 40 / samples * 3.5 + active * 8.4 + (1 - active) * 5.3
        busiest_ns += max(hidden_ns, readout.events[t] / samples * 3.5 + 5.3, link_ns)
    assert cost.latency_us.value == pytest.approx((busiest_ns + activity.steps * barrier_ns) / 1e3)


@pytest.mark.parametrize("how", [{}, {"partitioned": True, "annealed": True}], ids=str)
@pytest.mark.parametrize("cell", ["liquid_state", "lif", "adaptive_lif"])
def test_routes_of_a_trained_net_follow_its_weights(cell, how):
    """Every spike of every line goes to each core with a synapse of it, and to no other."""
    net = make_net(cell, inputs=5, size=24, outputs=3)
    activity, _, _ = run(net)
    plan = place_work(
        trained_work(net, activity, setting=Setting(**how)), shrunk(load_chip("loihi1"), neurons_per_core=6, cores=8)
    ).plan
    core_of = plan.layout.core_of
    exists = [(net["hidden"].w_in != 0).numpy(), (net["hidden"].w_rec != 0).numpy()]
    if cell != "liquid_state":
        exists = [np.ones_like(part) for part in exists]  # a weight of zero is a synapse there
    targets = [set(core_of[:24][column]) for column in exists[0].T]
    targets += [set(core_of[:24][column]) | set(core_of[24:]) for column in exists[1].T]
    spikes = np.concatenate([activity.input.spikes, activity.layers["hidden"].spikes])
    spikes[:5] *= exists[0].any(0)
    assert plan.travel.packets == sum(n * len(cores) for n, cores in zip(spikes, targets, strict=True))
    links, _ = walk(plan)
    assert loads(plan) == links
    for core in range(plan.layout.cores):
        lines = sum(core in cores for cores in targets)
        assert plan.traffic.lines_into[core] == lines


def test_frozen_recurrence_sends_no_spikes_back():
    net = make_net("liquid_state", size=24, outputs=3)
    net["hidden"].freeze_recurrence()
    activity, _, _ = run(net)
    plan = place_work(trained_work(net, activity), shrunk(load_chip("loihi1"), neurons_per_core=6)).plan
    hidden = plan.traffic.sender_of[5 : 5 + 24]
    assert set(plan.traffic.targets[hidden]) == {1}  # the core of the readouts
    assert plan.layout.cores == 5


def test_a_net_too_large_for_one_chip_takes_several():
    net = make_net("lif", size=30, outputs=2)
    activity, _, _ = run(net)
    chip = shrunk(load_chip("loihi1"), neurons_per_core=4, cores=3)
    cost = estimate_cost(net, activity, chip)
    assert cost.mapping.chips == 3
    assert "chip_to_chip" in cost.unpriced
    assert "each of 3 whole chips" in cost.static_basis
