"""Cores moved over the mesh: never a longer way, the best one found where it is known, loads of links by hand."""

import itertools

import numpy as np
import pytest

from neurorec.hardware.chip import load_chip
from neurorec.hardware.description import describe_cost
from neurorec.hardware.mapping.anneal import OFF_CHIP_HOPS, Sender, anneal, hottest_link, travel
from tests.hardware.description.made_up import made
from tests.hardware.test_mapping import shrunk

LOIHI = load_chip("loihi1")
MESH = LOIHI.network.model_copy(update={"cores_per_tile": 1, "tiles": [3, 2]})
CHIP = LOIHI.model_copy(update={"network": MESH})


def sender(core: int | None, spikes: int, *targets: int) -> Sender:
    return Sender(core, spikes, np.array(targets))


def way(senders: list[Sender], places: np.ndarray, on_chip: int = 6) -> int:
    count = travel(senders, places, CHIP, on_chip)
    return count["hops_east_west"] + count["hops_north_south"] + OFF_CHIP_HOPS * count["packets_off_chip"]


def random_traffic(seed: int, cores: int) -> list[Sender]:
    draw = np.random.default_rng(seed)
    found = [Sender(None, 5, draw.choice(cores, 2, replace=False))]
    return found + [
        Sender(core, int(draw.integers(1, 50)), draw.choice(cores, 2, replace=False)) for core in range(cores)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("on_chip", [6, 3])
def test_annealing_finds_the_shortest_way_of_six_cores(seed, on_chip):
    senders = random_traffic(seed, 6)
    best = min(way(senders, np.array(order), on_chip) for order in itertools.permutations(range(6)))
    places = anneal(senders, 6, on_chip, MESH, seed=seed)
    assert sorted(places) == list(range(6))
    assert best <= way(senders, places, on_chip) <= 1.05 * best


def test_the_same_seed_gives_the_same_places():
    senders = random_traffic(1, 6)
    assert (anneal(senders, 6, 6, MESH, seed=3) == anneal(senders, 6, 6, MESH, seed=3)).all()


def test_one_core_stays_where_it_is():
    assert anneal([sender(0, 9, 0)], 1, 6, MESH).tolist() == [0]


def test_loads_of_links_by_hand():
    # places 0 1 2 / 3 4 5; 0 -> 5 goes east, east, south; 1 -> 2 goes east
    senders = [sender(0, 10, 5), sender(1, 7, 2), sender(None, 2, 1)]
    assert hottest_link(senders, np.arange(6), 6, MESH) == 10 + 7  # from 1 to 2
    assert hottest_link([sender(5, 4, 0)], np.arange(6), 6, MESH) == 4
    assert hottest_link([sender(0, 4, 5)], np.arange(6), 3, MESH) == 0  # another chip: its links are not known


def test_travel_by_hand():
    count = travel([sender(0, 10, 0, 5), sender(1, 7, 4)], np.arange(6), CHIP, 6)
    assert count == {
        "packets": 27, "within_tile": 10, "hops_east_west": 20, "hops_north_south": 17, "packets_off_chip": 0
    }  # fmt: skip
    assert travel([sender(0, 10, 5)], np.arange(6), CHIP, 3)["packets_off_chip"] == 10


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
    plain, moved = describe_cost(net, chip), describe_cost(net, chip, annealed=True)
    hops = [m.hops_east_west + m.hops_north_south for m in (plain.mapping, moved.mapping)]
    assert moved.mapping.hops_in_order == hops[0]
    assert hops[1] < hops[0]
    assert moved.breakdown.communication.value < plain.breakdown.communication.value
    assert moved.mapping.hottest_link > 0
    assert plain.mapping.hottest_link is None
    assert (moved.mapping.packets, moved.mapping.cores) == (plain.mapping.packets, plain.mapping.cores)


def test_a_chip_without_a_mesh_is_left_as_it_is():
    assert describe_cost(made(), "spinnaker1", annealed=True).mapping == describe_cost(made(), "spinnaker1").mapping
