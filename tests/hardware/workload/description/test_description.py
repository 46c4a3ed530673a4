"""Described networks: counts equal to those of a run, the published nets, who fits where, what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from neurorec.basics.cards import check_card, read_toml
from neurorec.engines.activity import Activity
from neurorec.hardware.chips.chip import chip_names, load_chip
from neurorec.hardware.mapping import place_work
from neurorec.hardware.pricing.price import estimate_cost, price
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.description import Description, described_work, load_description
from neurorec.hardware.workload.description.layers import write_out
from neurorec.hardware.workload.trained import trained_work
from tests.hardware.mapping.made_up_nets import shrunk
from tests.hardware.nets import counts_of, make_net, run, totals
from tests.hardware.workload.description.made_up import made

EXAMPLES = sorted((Path(__file__).parents[4] / "docs" / "networks").glob("*.toml"))


def half_active(samples: int) -> Activity:
    seen = totals(samples // 2, 6, [6] * 5, [6] * 7, [5] * 7, 3)  # of two samples at once
    return replace(seen, samples=samples)


def test_counts_of_a_description_are_those_of_a_run_with_the_same_rates():
    described = count_work(described_work(made()))
    counted = counts_of(make_net("lif"), half_active(described.samples))
    assert described == counted


@pytest.mark.parametrize("chip", ["loihi1", "loihi1_sanafe", "spinnaker1", "cmos_45nm", "odin", "a100", "xeon_e5_2630"])
def test_the_price_of_a_description_is_that_of_a_run_with_the_same_rates(chip):
    described = price(described_work(made()), chip)
    ran = estimate_cost(make_net("lif"), half_active(2), chip)
    assert described.energy_pJ.value == pytest.approx(ran.energy_pJ.value)
    assert described.unpriced == ran.unpriced
    assert (described.latency_us and described.latency_us.value) == pytest.approx(
        ran.latency_us and ran.latency_us.value
    )
    assert described.mapping == ran.mapping or chip == "xeon_e5_2630"


def test_tanh_counts_as_an_elman_net_does():
    layers = [{"name": "hidden", "size": 7, "recurrent": True}, {"name": "readout", "size": 3}]
    net = made(neuron="tanh", input={"size": 5, "signal": "values"}, layer=layers)
    elman = make_net("elman", signal="values")
    counted = counts_of(elman, run(elman, steps=6, samples=1)[0])
    assert count_work(described_work(net)) == replace(counted, dt_ms=1.0)


def test_rates_give_whole_counts_whatever_they_are():
    net = made(input={"size": 3, "signal": "spikes", "rate_Hz": 11.58})
    counted = count_work(described_work(net))
    assert counted.input_spikes / counted.samples == pytest.approx(3 * 11.58 * 6e-3, rel=1e-12)


@pytest.mark.parametrize("path", [path for path in EXAMPLES if "100k" not in path.stem], ids=lambda path: path.stem)
def test_every_example_loads_and_is_priced_or_refused_by_every_chip(path):
    net = load_description(path)
    for name in chip_names():
        cost = price(described_work(net), name)
        assert cost.can_run == (cost.energy_pJ is not None)
        assert cost.can_run or cost.why_not


def test_the_large_example_has_the_size_it_states():
    counted = count_work(described_work(example("microcircuit_100k")))
    assert counted.units == 100_000
    assert counted.total.dense_macs // counted.samples // counted.steps == 100_034_050
    assert price(described_work(example("microcircuit_100k")), "odin").why_not.startswith("it does not fit: ")


@pytest.mark.slow
def test_the_large_example_fits_on_many_chips():
    cost = price(described_work(example("microcircuit_100k")), "loihi1")
    assert cost.mapping.chips == 228
    plan = cost.mapping.plan
    assert plan.traffic.lines_into.max() <= 4096
    assert plan.traffic.lines_out_of.max() <= 4096


@pytest.mark.parametrize("branches", [0, 2, 10])
def test_scaling_nets_have_the_published_size(branches):
    net = load_description(next(path for path in EXAMPLES if path.stem == f"scaling_{branches}"))
    counted = count_work(described_work(net))
    assert counted.total.macs == 99_840 + 655_360 * branches + 65_536 * max(branches, 1) + 7_424
    assert counted.units - counted.sizes["letters"] == 2560 * branches + 512


def example(name: str, **changes) -> Description:
    path = next(path for path in EXAMPLES if path.stem == name)
    return check_card(read_toml(path) | changes, Description, path.name)


@pytest.mark.parametrize(("rate_Hz", "mW"), [(11.58, 68.0), (95.93, 94.0)])
def test_truenorth_sweep_passes_through_the_points_its_law_was_drawn_through(rate_Hz, mW):
    layer = read_toml(next(p for p in EXAMPLES if p.stem == "truenorth_sweep"))["layer"][0] | {"rate_Hz": rate_Hz}
    cost = price(described_work(example("truenorth_sweep", layer=[layer])), "truenorth")
    assert len(cost.mapping.cores) == 4096
    assert cost.energy_pJ.value / cost.latency_us.value * 1e-3 == pytest.approx(mW, rel=2e-3)


def test_odin_at_its_published_point_and_at_another_clock():
    cost = price(described_work(example("odin_point")), "odin")
    assert cost.energy_pJ.value / cost.latency_us.value * 1e-3 == pytest.approx(0.477, rel=1e-3)
    quiet = {"size": 256, "signal": "spikes", "spikes_per_inference": 1000.0}
    slow = price(described_work(example("odin_point", clock_MHz=10.0, input=quiet)), "odin")
    assert slow.latency_us.value == pytest.approx(1e6)  # it waits: 256,000 operations take 0.05 s at 10 MHz
    assert slow.energy_pJ.value == pytest.approx(27.3e6 + 17.8e6 + 256_000 * 8.43)


def test_nearest_neighbours_are_broadcast_events_and_updates():
    cost = price(described_work(example("knn_pohoiki_springs")), "loihi1")
    events, updates = 708.5 * 76_800, 60 * 76_800
    assert cost.breakdown.compute.value == pytest.approx(events * 23.6 + updates * 52.0)
    assert cost.mapping.chips == 4
    assert "chip_to_chip" in cost.unpriced
    assert "each of 4 whole chips" in cost.static_basis
    assert cost.breakdown.static.value == pytest.approx(4 * 104.4 * cost.latency_us.value * 1e3)


def test_a_slower_clock_takes_longer_where_nothing_waits():
    fast, slow = (
        price(described_work(example("odin_point", waits=False, clock_MHz=clock)), "odin") for clock in (75.0, 25.0)
    )
    assert slow.latency_us.value == pytest.approx(3 * fast.latency_us.value)


def test_a_sparse_population_talks_to_its_own_place_in_the_layer():
    layer = {"name": "a", "size": 1024, "recurrent_fan_in": 4, "spikes_per_step": 0.5}
    chip = shrunk(load_chip("loihi1"), neurons_per_core=64)
    mapping = price(described_work(made(input=None, layer=[layer])), chip).mapping
    assert len(mapping.cores) == 16
    assert mapping.packets == mapping.within_tile == 1024 * 3 * (mapping.packets // 3072)
    assert mapping.packets > 0


def test_batch_changes_the_price_on_a_calibrated_board_only():
    net = example("keyword_spotter_rate")
    one, many = (price(described_work(net, batch=batch), "quadro_k4000") for batch in (1, 64))
    assert one.energy_pJ.value > 30 * many.energy_pJ.value
    assert one.dynamic_pJ.value < one.energy_pJ.value
    assert one.energy_pJ.low < one.energy_pJ.value < one.energy_pJ.high
    assert price(described_work(net, batch=2), "cortex_m4").why_not == (
        "its card has no batch term, so a batch of 2 has no price; use --batch 1"
    )
    beyond = price(described_work(net, batch=128), "quadro_k4000")
    assert beyond.notes == ("extrapolated beyond what was metered: batch 128 (metered: 1 to 64)",)


def test_a_clock_is_refused_where_the_card_has_none():
    net = example("keyword_spotter_spiking", clock_MHz=10.0)
    assert price(described_work(net), "loihi1").why_not.startswith("its card states no power per MHz")
    assert price(described_work(net), "xeon_e5_2630").why_not.startswith("it was metered at only one clock")


def test_branches_are_parallel_and_chains_are_serial():
    net = made(
        neuron="relu", input={"size": 4, "signal": "values"},
        layer=[{"name": "a", "size": 2, "depth": 3, "copies": 2}, {"name": "b", "size": 5, "hears": ["a", "input"]}],
    )  # fmt: skip
    found = write_out(net)
    assert [p.name for p in found] == ["a_1.1", "a_1.2", "a_1.3", "a_2.1", "a_2.2", "a_2.3", "b"]
    assert [[line.source for line in p.lines] for p in found] == [[-1], [0], [1], [-1], [3], [4], [2, 5, -1]]


def test_a_chip_without_links_says_what_does_not_fit():
    net = made(layer=[{"name": "big", "size": 300, "spikes_per_step": 0.1}])
    assert price(described_work(net), "odin").why_not == (
        "it does not fit: 2 cores are needed and it has no links to a second chip, the limit cores is 1 (1 too many)"
    )


@pytest.mark.parametrize("per_core", [1, 2, 3])
def test_hops_are_those_of_a_run_placed_in_order(per_core):
    chip = shrunk(load_chip("loihi1"), neurons_per_core=per_core)
    described = price(described_work(made()), chip).mapping
    assert described == place_work(trained_work(make_net("lif"), half_active(2)), chip)
    assert (described.hops_east_west > 0) == (per_core < 3)  # with three a core, four cores share one tile
