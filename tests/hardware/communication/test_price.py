"""Joules and seconds of traffic, and where one cost overtakes another."""

import pytest

from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.communication.crossover import find_crossover
from neurorec.hardware.communication.link_price import price_traffic
from neurorec.hardware.communication.link_traffic import LinkTraffic
from neurorec.hardware.communication.ring import merge_traffic


@pytest.mark.parametrize("workers", [2, 4, 32])
def test_a_ring_all_reduce_takes_the_time_of_the_alpha_beta_model(workers):
    """2 (P-1) alpha + 2 (P-1)/P n / bandwidth, where P divides n."""
    link, numbers = load_link("infiniband_hdr"), 32_000
    cost = price_traffic(merge_traffic(numbers, workers, 1), link, workers)
    alpha, bytes_per_s = 7e-6, 200e9 / 8
    expected = 2 * (workers - 1) * alpha + 2 * (workers - 1) / workers * 4 * numbers / bytes_per_s
    assert cost.time_s.value == pytest.approx(expected, rel=1e-12)
    assert not cost.time_at_least
    bits = 2 * (workers - 1) * numbers * 32
    assert cost.energy_pJ == Band(35.0 * bits, 20.0 * bits, 50.0 * bits)


def test_the_sheet_of_prices_by_hand():
    """A million gradients among 4 workers over NVLink: 6 MB from each of them, 1.3 to 10 pJ a bit."""
    cost = price_traffic(merge_traffic(1_000_000, 4, 1), load_link("nvlink4"), 4)
    assert cost.energy_pJ.low == pytest.approx(4 * 6e6 * 8 * 1.3)
    assert cost.energy_pJ.high == pytest.approx(4 * 6e6 * 8 * 10.0)


def test_what_is_not_known_is_said():
    traffic = LinkTraffic(spikes=10, busiest_bytes=40, waits=3, waits_overlapped=1)
    hop = price_traffic(traffic, load_link("hop_truenorth"), 64)
    assert hop.time_s is None  # neither latency nor bandwidth was read
    assert hop.energy_at_least  # one hop, and the way may be longer
    assert hop.energy_pJ.value == pytest.approx(10 * 32 * 0.072)
    aer = price_traffic(traffic, load_link("aer_truenorth"), 4)
    assert aer.time_at_least  # a bandwidth, but no latency
    assert aer.time_s.value == pytest.approx(40 * 8 / 2.72e9)


def test_a_link_that_does_not_reach_prices_nothing():
    cost = price_traffic(LinkTraffic(spikes=1), load_link("hop_loihi1"), 129)
    assert (cost.energy_pJ, cost.time_s) == (None, None)
    assert cost.why_not == "it joins parts of one chip, at most 128"


def test_one_worker_has_nobody_to_talk_to():
    cost = price_traffic(LinkTraffic(), load_link("ethernet_tcp"), 1)
    assert cost.energy_pJ == cost.time_s == Band.exact(0.0)


def test_overlapped_messages_are_the_low_end():
    traffic = LinkTraffic(waits=30, waits_overlapped=10, busiest_bytes=0)
    time_s = price_traffic(traffic, load_link("infiniband_ndr"), 4).time_s
    assert (time_s.low, time_s.value, time_s.high) == pytest.approx((10 * 1.5e-6, 30 * 5e-6, 30 * 5e-6))


def test_a_crossover_is_where_the_values_cross_with_the_bands_around_it():
    found = find_crossover(range(1, 101), lambda x: Band(x, 0.5 * x, 2 * x), lambda x: Band(50, 40, 60))
    assert (found.at, found.earliest, found.latest) == (51, 21, None)  # half of 100 is still below 60
    assert (found.first, found.last) == (1, 100)


def test_none_everywhere_and_places_without_a_cost():
    never = find_crossover([1, 2], lambda x: Band.exact(x), lambda x: Band.exact(9))
    assert (never.at, never.earliest, never.latest) == (None, None, None)
    always = find_crossover([1, 2, 3], lambda x: Band.exact(9) if x > 1 else None, lambda x: Band.exact(x))
    assert (always.at, always.first) == (2, 2)
    assert find_crossover([1, 2], lambda x: None, lambda x: Band.exact(x)) is None


def test_a_fast_link_is_the_low_end_of_a_time():
    """TCP over Ethernet: 10 to 400 Gbit/s."""
    time_s = price_traffic(LinkTraffic(busiest_bytes=10**9), load_link("ethernet_tcp"), 2).time_s
    assert (time_s.low, time_s.value, time_s.high) == pytest.approx((8 / 400, 8 / 10, 8 / 10))
