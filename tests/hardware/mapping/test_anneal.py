"""Cores moved over the mesh: never a longer way, and the best one found where it is known."""

import itertools

import numpy as np
import pytest

from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.mapping import place
from neurorec.hardware.mapping.anneal import anneal
from neurorec.hardware.mapping.routes import travel
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work
from tests.hardware.mapping.made_up_nets import random_net, shrunk, small_loihi, wired_net
from tests.hardware.workload.description.made_up import made


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("on_chip", [6, 3])
def test_annealing_finds_the_shortest_way_of_six_cores(seed, on_chip):
    net = random_net(seed, units=6, inputs=1, share=0.35)
    mapping = place(net, small_loihi(on_chip, (3, 2), neurons_per_core=1))
    traffic, ground = mapping.plan.traffic, mapping.plan.travel.ground
    best = min(travel(traffic, np.array(order), ground).way for order in itertools.permutations(range(6)))
    places, then = anneal(traffic, np.arange(6), ground, seed=seed)
    assert sorted(places) == list(range(6))
    assert best <= then.way <= 1.05 * best
    assert then.way == travel(traffic, places, ground).way <= mapping.plan.travel.way


def test_the_same_seed_gives_the_same_places():
    plan = place(random_net(1), small_loihi(neurons_per_core=2)).plan
    first, again = (anneal(plan.traffic, plan.places, plan.travel.ground, seed=3)[0] for _ in range(2))
    assert (first == again).all()
    assert (plan.places == np.arange(len(first))).all()  # what it was given is left as it was


def test_one_core_stays_where_it_is():
    mapping = place(wired_net(np.zeros((1, 1), bool), np.array([9])), small_loihi(), annealed=True)
    assert mapping.plan.places.tolist() == [0]
    assert mapping.found_by == "in order"


def test_whole_chips_move_where_chips_talk_along_a_ring():
    """Twelve chips of one core, each talking to the one five further: in order that is far, in a good order near."""
    exists = np.zeros((12, 12), bool)
    exists[(np.arange(12) * 5 + 5) % 12, np.arange(12) * 5 % 12] = True
    net = wired_net(exists, np.full(12, 10))
    for chip in (
        small_loihi(1, (1, 1), neurons_per_core=1),
        shrunk(load_chip("spinnaker1"), cores=1, neurons_per_core=1),
    ):
        plain, moved = place(net, chip), place(net, chip, annealed=True)
        assert moved.chip_links < 0.7 * plain.chip_links
        assert moved.packets_off_chip == plain.packets_off_chip == 120


def test_an_annealed_description_costs_no_more_and_says_what_was_saved():
    chip = shrunk(load_chip("loihi1"), neurons_per_core=64)
    layers = [
        {"name": n, "size": 256, "hears": h, "spikes_per_step": 0.3} for n, h in (("a", ["input"]), ("b", ["input"]))
    ]
    layers += [
        {"name": "c", "size": 256, "hears": ["a"], "spikes_per_step": 0.3},
        {"name": "out", "size": 9, "hears": ["b", "c"]},
    ]
    net = made(layer=layers)
    plain, moved = price(described_work(net), chip), price(described_work(net, annealed=True), chip)
    assert moved.mapping.in_order == plain.mapping
    assert moved.mapping.hops < plain.mapping.hops
    assert moved.mapping.found_by == "annealed"
    assert moved.breakdown.communication.value < plain.breakdown.communication.value
    assert (moved.mapping.packets, moved.mapping.cores) == (plain.mapping.packets, plain.mapping.cores)


def test_a_chip_without_a_mesh_is_left_as_it_is():
    plain, asked = (
        price(described_work(made(), annealed=annealed), "spinnaker1").mapping for annealed in (False, True)
    )
    assert asked.in_order == plain
    assert asked.hops == plain.hops == asked.chip_links == 0
