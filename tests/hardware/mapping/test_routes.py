"""Every spike walked over every link gives the same loads; laws of hops, trees and links between chips."""

import numpy as np
import pytest

from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import place
from neurorec.hardware.mapping.routes import full_grid
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work
from tests.hardware.mapping.made_up_nets import (
    heard_by,
    layered_net,
    loads,
    random_net,
    shrunk,
    small_loihi,
    walk,
    wired_net,
)
from tests.hardware.workload.description.made_up import made

NETS = {"wired": random_net, "layered": layered_net}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
@pytest.mark.parametrize("how", [{}, {"annealed": True}, {"partitioned": True, "annealed": True}], ids=str)
def test_loads_of_links_are_those_of_every_spike_walked(seed, make, how):
    net = make(seed)
    chip = small_loihi(cores=4, tiles=(2, 1), per_tile=2, neurons_per_core=3)
    mapping = place(net, chip, **how)
    links, count = walk(mapping.plan)
    assert mapping.chips > 2
    assert loads(mapping.plan) == links
    assert mapping.packets == count["packets"]
    assert mapping.packets_off_chip == count["off_chip"]
    assert mapping.within_tile == count["within"]
    assert mapping.hops + mapping.chip_links == sum(links.values())


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_a_spike_meets_every_synapse_of_its_line_on_each_core(make):
    net = make(0)
    plan = place(net, small_loihi(neurons_per_core=6)).plan
    reach = plan.traffic.reach.toarray()
    for line, units in enumerate(heard_by(net)):
        met = np.bincount(plan.layout.core_of[units], minlength=plan.layout.cores)
        assert (reach[:, plan.traffic.sender_of[line]] == met).all()
    assert reach.max() > 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_a_multicast_spike_crosses_each_link_of_its_tree_once(seed, make):
    net = make(seed)
    mapping = place(net, shrunk(load_chip("spinnaker1"), cores=2, neurons_per_core=2))
    links, count = walk(mapping.plan)
    assert mapping.chips > 4
    assert loads(mapping.plan) == links
    assert mapping.packets == net.spikes.sum()  # one packet a spike, however many cores hear it
    assert mapping.packets_off_chip == count["other_chips"]
    assert mapping.hops == 0  # every link leads to another chip
    assert mapping.chip_links == sum(links.values())


def test_a_tree_is_shorter_than_its_paths():
    exists = np.zeros((9, 9), bool)
    exists[[5, 7, 8], 0] = True  # on a 3 x 3 grid of chips: (2, 1), (1, 2) and (2, 2) hear the unit on (0, 0)
    net = wired_net(exists, np.eye(9, dtype=np.int64)[0] * 10)
    mapping = place(net, shrunk(load_chip("spinnaker1"), cores=1, neurons_per_core=1))
    assert mapping.chips == 9
    assert mapping.chip_links == 10 * (2 + 2 + 2)  # east, east; down twice at x = 1; down twice at x = 2
    assert mapping.packets_off_chip == 10 * 3


def test_links_between_chips_are_told_from_links_within():
    exists = np.zeros((4, 4), bool)
    exists[3, 0] = True  # four tiles in a row, two on a chip
    mapping = place(wired_net(exists, np.array([7, 0, 0, 0])), small_loihi(2, (2, 1), neurons_per_core=1))
    assert (mapping.hops_east_west, mapping.chip_links, mapping.packets_off_chip) == (14, 7, 7)
    assert (mapping.hottest_link, mapping.hottest_chip_link) == (7, 7)


def test_chips_lie_in_the_smallest_full_grid():
    grids = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (2, 2), 5: (5, 1), 7: (4, 2), 12: (4, 3), 13: (7, 2), 228: (19, 12)}
    assert {n: full_grid(n) for n in grids} == grids


def test_no_packet_passes_a_chip_that_is_not_there():
    exists = np.zeros((13, 13), bool)
    exists[6, 12] = True
    mapping = place(wired_net(exists, np.ones(13, np.int64)), small_loihi(1, (1, 1), neurons_per_core=1))
    assert mapping.chips == 14
    assert mapping.chip_links == 2  # on a grid of 7 x 2 from (5, 1) to (6, 0)


def test_packets_of_several_chips_are_shared_among_the_tiles_of_all():
    """Units that talk to themselves alone: no link is used, and each chip works through its own packets."""
    chip = small_loihi(2, (2, 1), neurons_per_core=1)
    slow = chip.time.packet.model_copy(update={"ns": 1e4})  # so that packets, not cores, take the time
    chip = chip.model_copy(update={"time": chip.time.model_copy(update={"packet": slow})})
    layer = {"name": "a", "size": 8, "recurrent_fan_in": 1, "spikes_per_step": 1.0}
    one, four = (price(described_work(made(input=None, layer=[layer | {"size": size}])), chip) for size in (2, 8))
    assert (one.mapping.chips, four.mapping.chips) == (1, 4)
    assert four.mapping.hottest_link == four.mapping.hottest_chip_link == 0
    assert four.latency_us.value == pytest.approx(one.latency_us.value)
