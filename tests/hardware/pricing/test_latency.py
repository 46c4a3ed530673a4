"""What a step waits for: its own busiest core, the links, memory or arithmetic, and the barrier."""

from dataclasses import replace

import pytest
import torch

from neurorec.engines.engine import engines
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.hardware.workload.setting import Setting
from tests.hardware.mapping.test_trained import shrunk
from tests.hardware.nets import make_net, run


def timed(chip: Chip, **ns: float) -> Chip:
    """The chip with some of its times changed, or added."""
    some = chip.time.mac or chip.time.synaptic_event
    assert some is not None
    times = {
        name: some.model_copy(update={"ns": value, "band_ns": None, "band": "none found"}) for name, value in ns.items()
    }
    return chip.model_copy(update={"time": chip.time.model_copy(update=times)})


def known_in_total(activity):
    """The same spikes, nothing of them known step by step."""
    return replace(
        activity, layers={n: seen.totals_only(seen.spikes, seen.passed_on) for n, seen in activity.layers.items()}
    )


def test_each_step_waits_for_its_own_busiest_core():
    net = make_net("lif", inputs=5, size=6, outputs=2)
    activity, x, hidden = run(net, steps=8, samples=3)
    chip = shrunk(load_chip("loihi1"), neurons_per_core=3)  # cores: 3 units, 3 units, 2 outputs
    cost = estimate_cost(net, activity, chip)
    assert [core[0] for core in cost.mapping.cores] == [3, 3, 0]
    waited_ns = 0.0
    for t in range(8):
        before = hidden[t - 1].sum() if t else 0.0
        events = float(x[t].sum() * 6 + before * 6) / 3  # of a sample, shared evenly by the two cores of the layer
        active = float(hidden[t].sum()) / 3
        layer_ns = events / 2 * 3.5 + active / 2 * 8.4 + (3 - active / 2) * 5.3
        waited_ns += max(layer_ns, float(hidden[t].sum()) * 2 / 3 * 3.5 + 2 * 5.3)
    barrier_ns = 113.0  # all three cores lie on one tile
    assert cost.latency_us.value == pytest.approx((waited_ns + 8 * barrier_ns) / 1e3)
    totals = known_in_total(activity)
    assert estimate_cost(net, totals, chip).latency_us.value <= cost.latency_us.value


def test_a_burst_on_the_readouts_core_is_not_averaged_away():
    net = make_net("lif", inputs=5, size=6, outputs=2)
    activity, _, _ = run(net, steps=8, samples=1)
    hidden = activity.layers["hidden"]
    steps = hidden.steps * 0
    steps[3] = hidden.spikes  # all spikes in one step
    layers = {**activity.layers, "hidden": replace(hidden, steps=steps)}
    burst = replace(activity, layers=layers)
    chip = timed(shrunk(load_chip("loihi1"), neurons_per_core=3), synaptic_event=1000.0)
    mean = estimate_cost(net, known_in_total(activity), chip)
    assert estimate_cost(net, burst, chip).latency_us.value > 1.05 * mean.latency_us.value


@pytest.mark.parametrize(
    ("ns", "bottleneck"),
    [
        ({"barrier_one_tile": 1e3, "barrier_all_tiles": 2e3}, "the barrier"),
        ({"synaptic_event": 1e4}, "cores"),
        ({"packet": 1e4}, "links"),
    ],
)
def test_a_stepped_chip_says_what_it_waits_for(ns, bottleneck):
    net = make_net("lif")
    activity, _, _ = run(net)
    cost = estimate_cost(net, activity, timed(load_chip("loihi1"), **ns))
    assert cost.bottleneck == bottleneck
    if bottleneck == "links":
        packets = cost.mapping.packets / 4  # a sample, all over one tile
        assert cost.latency_us.value == pytest.approx((packets * 1e4 + 6 * 113) / 1e3)


@pytest.mark.parametrize(("bit_ns", "bottleneck"), [(1e-6, "arithmetic"), (100.0, "memory")])
def test_arithmetic_and_memory_run_side_by_side_and_the_longer_counts(bit_ns, bottleneck):
    net = make_net("elman", signal="values")
    activity, _, _ = run(net)
    cost = estimate_cost(net, activity, timed(load_chip("ice40_up5k"), memory_bit=bit_ns))
    macs, bits = 6 * (5 * 7 + 7 * 7 + 7 * 3), sum(one.bits for one in cost.traffic) / 4
    assert bits == 8 * cost.operations.total.memory_accesses / 4  # its card is for int8
    assert cost.latency_us.value == pytest.approx(max(macs * 83.33, bits * bit_ns) / 1e3)
    assert cost.bottleneck == bottleneck


def test_samples_of_unequal_lengths_take_the_mean_of_their_times():
    net, runner = make_net("lif"), engines["torch"]()
    _, x, _ = run(net)
    together = estimate_cost(net, runner.run(net, x, torch.tensor([6, 1, 4, 3])).activity, "loihi1")
    alone = [
        estimate_cost(net, runner.run(net, x[:length, b : b + 1]).activity, "loihi1")
        for b, length in enumerate((6, 1, 4, 3))
    ]
    assert together.latency_us.value == pytest.approx(sum(one.latency_us.value for one in alone) / 4)
    assert together.energy_pJ.high == pytest.approx(sum(one.energy_pJ.high for one in alone) / 4)


def test_a_net_that_waits_for_real_time_says_so():
    net = make_net("lif")
    cost = estimate_cost(net, run(net)[0], "loihi1", setting=Setting(waits=True))
    assert (cost.latency_us, cost.bottleneck) == (Band.exact(6000.0), "real time")
    assert estimate_cost(net, run(net)[0], "truenorth").bottleneck == "its fixed step"


def test_the_largest_of_bands_is_the_largest_of_their_ends():
    assert Band.largest([Band(2, 1, 9), Band(3, 2, 4)]) == Band(3, 2, 9)
