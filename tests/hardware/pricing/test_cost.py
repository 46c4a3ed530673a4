"""Prices by hand for tiny nets, what is left out, what cannot run."""

import pytest

from neurorec.engines.activity import Activity
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import chip_names, load_chip, needs_of_cell
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.hardware.workload.workload import TrainingRun
from neurorec.models.cell import cells
from tests.hardware.nets import make_net, run, totals


def made_up_activity(samples: int = 1, arriving: tuple[int, ...] = (2, 1)) -> Activity:
    """Three steps, two input lines, two units; every count times `samples`."""
    return totals(samples, 3, list(arriving), [1, 2], [1, 1], 1)


def tiny_lif():
    return make_net("lif", inputs=2, size=2, outputs=1)


def test_loihi_by_hand():
    cost = estimate_cost(tiny_lif(), made_up_activity(), "loihi1")
    events = (2 + 1) * 2 + (1 + 1) * 2 + 3 * 1  # input, recurrence, readout
    active, inactive = 3, 3 * 2 - 3 + 3 * 1  # the readout unit is updated in each of 3 steps
    assert cost.breakdown is not None
    assert cost.dynamic_pJ is not None
    assert cost.latency_us is not None
    assert cost.breakdown.compute.value == pytest.approx(events * 23.6 + active * 81 + inactive * 52)
    assert cost.breakdown.compute.high == pytest.approx(events * 35.5 + active * 81 + inactive * 52)
    assert cost.breakdown.memory is None
    assert cost.breakdown.communication.value == pytest.approx(6 * 1.7)  # 3 input and 3 hidden spikes, all on one tile
    assert cost.dynamic_pJ.value == pytest.approx(872.0)
    step_ns = events / 3 * 3.5 + active / 3 * 8.4 + inactive / 3 * 5.3
    assert cost.latency_us.value == pytest.approx(3 * (step_ns + 113) / 1e3)
    assert cost.latency_us.high == pytest.approx(3 * (step_ns + 465) / 1e3)
    static_pJ = 104.4e-3 * cost.latency_us.value * 1e-6 * 1e12
    assert cost.breakdown.static.value == pytest.approx(static_pJ)
    assert cost.energy_pJ.value == pytest.approx(872.0 + static_pJ)
    assert cost.communication_bits == 6 * 32
    assert cost.unpriced == ("input_injection", "barrier", "management")
    assert "whole chip, of which the network uses 1 of 128 cores" in cost.static_basis
    assert cost.static_basis.startswith("as fast as possible, 104 mW of the whole chip")


def test_costs_are_per_inference():
    one, five = (estimate_cost(tiny_lif(), made_up_activity(n), "loihi1") for n in (1, 5))
    assert five.energy_pJ.value == pytest.approx(one.energy_pJ.value)
    assert five.latency_us.value == pytest.approx(one.latency_us.value)
    assert five.communication_bits == one.communication_bits


def test_cmos_45nm_by_hand():
    cost = estimate_cost(tiny_lif(), made_up_activity(), "cmos_45nm")
    elementwise = 3 * (5 * 2 + 1)
    compute = 13 * 0.9 + elementwise * 2.3
    words = 13 + 2 * 3 * 4 + (3 + 2 + 3) + (3 + 3)  # weights, states, arriving and sent spikes and outputs
    assert cost.breakdown.compute.value == pytest.approx(compute)
    assert cost.breakdown.compute.high == pytest.approx(13 * 0.9 + elementwise * 3.7)
    assert cost.breakdown.memory.value == pytest.approx(words / 2 * 10.0)
    assert cost.breakdown.communication is None
    assert cost.breakdown.static is None
    assert cost.energy_pJ.value == pytest.approx(compute + words * 5)
    assert cost.unpriced == ("wire", "static")
    assert cost.latency_us is None
    assert cost.without_band == ("synaptic_event", "mac", "memory_access")


def test_cmos_puts_what_is_used_most_where_it_costs_least():
    net = make_net("elman", inputs=50, size=40, outputs=10, signal="values")
    cost = estimate_cost(net, run(net)[0], "cmos_45nm")
    assert cost.operations.stored_bytes == 4 * (50 * 40 + 40 * 40 + 40 * 10 + 40 + 10 + 40)
    runs = 6 * 4
    moved = {(one.layer, one.kind): (one.level, one.bits) for one in cost.traffic if one.bits}
    assert moved == {
        ("hidden", "state"): ("8 KB SRAM", runs * 2 * 40 * 32),
        ("hidden", "activation"): ("8 KB SRAM", runs * (50 + 40 + 40) * 32),
        ("hidden", "weight"): ("32 KB SRAM", runs * (50 + 40) * 40 * 32),  # 3,640 words with the biases
        ("readout", "activation"): ("8 KB SRAM", runs * (40 + 10) * 32),
        ("readout", "weight"): ("8 KB SRAM", runs * 40 * 10 * 32),
    }
    small = 2 * 40 + 50 + 40 + 40 + 40 + 10 + 400
    assert cost.breakdown.memory.value == pytest.approx(6 / 2 * (small * 10.0 + 90 * 40 * 20.0))


def test_cortex_m4_by_hand():
    net = make_net("elman", inputs=2, size=2, outputs=1, signal="values")
    activity, _, _ = run(net, steps=3)
    cost = estimate_cost(net, activity, "cortex_m4")
    macs = 3 * (2 * 2 + 2 * 2 + 2 * 1)
    assert (cost.energy_pJ.low, cost.energy_pJ.value, cost.energy_pJ.high) == pytest.approx(
        (macs * 854, macs * 1172.5, macs * 1344)
    )
    assert cost.unpriced == ("nonlinearity", "small_net_overhead")
    assert cost.at_least


def test_truenorth_by_hand():
    cost = estimate_cost(tiny_lif(), made_up_activity(), "truenorth")
    assert cost.latency_us.value == pytest.approx(3000.0)
    assert cost.energy_pJ.value == pytest.approx(13 * 2.297 + 64.43e-3 * 3e-3 * 1e12)
    assert not cost.at_least


def test_spinnaker_runs_in_real_time():
    cost = estimate_cost(tiny_lif(), made_up_activity(), "spinnaker1")
    assert cost.dynamic_pJ.value == pytest.approx(13 * 13.3e3 + 9 * 26e3 + 6 * 800)
    assert cost.breakdown.static.value == pytest.approx(0.36 * 3e-3 * 1e12)
    assert cost.static_basis.startswith("real time, ")


def test_a_gpu_computes_every_synapse():
    net = tiny_lif()
    sleepy = made_up_activity(arriving=(0, 0))
    awake, asleep = (
        estimate_cost(net, seen, "a100").operations.total.as_dense().macs for seen in (made_up_activity(), sleepy)
    )
    assert awake == asleep == 3 * (4 + 4 + 2)
    assert estimate_cost(net, sleepy, "a100").latency_us is None  # bandwidth alone is a lower bound, not a latency
    assert estimate_cost(net, sleepy, "a100").unpriced == ("mac", "elementwise", "launch_overhead")


@pytest.mark.parametrize("chip", chip_names())
@pytest.mark.parametrize("cell", list(cells))
def test_every_net_on_every_chip(cell, chip):
    net = make_net(cell, signal="spikes")
    cost = estimate_cost(net, run(net)[0], chip)
    assert cost.can_run == (load_chip(chip).refusal(needs_of_cell(cells[cell])) is None)
    if not cost.can_run:
        assert cost.why_not
        assert cost.energy_pJ is None
        return
    assert cost.energy_pJ.value > 0
    assert cost.at_least == bool(cost.unpriced)
    assert (cost.breakdown is None) == (cost.scope == "all-in")
    assert (cost.dynamic_pJ is None) == (cost.scope == "all-in" and load_chip(chip).law is None)
    if cost.breakdown is not None:
        parts = [part for part in vars(cost.breakdown).values() if part is not None]
        assert Band.total(parts).value == pytest.approx(cost.energy_pJ.value)
        assert Band.total(parts).high == pytest.approx(cost.energy_pJ.high)


def test_a_spiking_chip_refuses_values_on_the_input():
    net = make_net("lif", signal="values")
    cost = estimate_cost(net, run(net)[0], "loihi1")
    assert cost.why_not == "its input lines carry values, but the chip takes spikes; choose a suitable encoder"


def test_why_not_texts():
    lstm, lif = make_net("lstm"), make_net("lif")
    assert "gates" in estimate_cost(lstm, run(lstm)[0], "loihi1").why_not
    assert "int8" in estimate_cost(lif, run(lif)[0], "cortex_m4").why_not


def test_no_sample_no_cost():
    cost = estimate_cost(tiny_lif(), made_up_activity(samples=0), "loihi1")
    assert cost.why_not.startswith("no sample was observed")


def test_training_on_chip_by_hand():
    training = TrainingRun("stdp", samples_seen=100, weight_updates=1000)
    cost = estimate_cost(tiny_lif(), made_up_activity(), "loihi1", training=training)
    trained = cost.training
    assert trained.dynamic_pJ.value == pytest.approx(100 * 872.0 + 1000 * 120.0)
    assert trained.time_us.value == pytest.approx(100 * cost.latency_us.value + 1000 * 6.1e-3)
    assert trained.static_pJ.value == pytest.approx(104.4e-3 * trained.time_us.value * 1e6)
    assert trained.energy_pJ.value == pytest.approx(trained.dynamic_pJ.value + trained.static_pJ.value)
    assert trained.communication_bits == 100 * cost.communication_bits
    assert trained.unpriced == ("input_injection", "barrier", "weight_scaling", "management")
    assert trained.at_least
    assert "plasticity_update" in trained.without_band


def test_a_chip_in_real_time_learns_within_its_steps():
    training = TrainingRun("stdp", samples_seen=100, weight_updates=1000)
    trained = estimate_cost(tiny_lif(), made_up_activity(), "spinnaker1", training=training).training
    assert trained.time_us.value == pytest.approx(100 * 3 * 1000.0)
    assert "static" not in trained.unpriced


def test_backpropagation_sends_errors_back():
    training = TrainingRun("bptt", samples_seen=10, weight_updates=2)
    cost = estimate_cost(tiny_lif(), made_up_activity(), "cmos_45nm", training=training)
    assert cost.training.energy_pJ.value > 10 * cost.energy_pJ.value
    errors = 10 * 3 * (2 + 1)
    assert cost.training.communication_bits == 10 * cost.communication_bits + errors * 32
    assert "nonlinearity" in cost.training.unpriced
    assert cost.training.time_us is None  # its card has no times


def test_backward_passes_take_time_on_a_gpu_and_its_power_flows_meanwhile():
    cost = estimate_cost(tiny_lif(), made_up_activity(), "a100", training=TrainingRun("bptt", 10, 2))
    bits = sum(one.bits for one in cost.training.traffic)
    assert bits == cost.training.operations.phases["forward"].as_dense().total.memory_accesses * 32 + sum(
        cost.training.operations.phases[phase].as_dense().total.memory_accesses * 32 for phase in ("backward", "update")
    )
    assert cost.training.time_us is None  # bandwidth alone is a lower bound, as for inference
    assert cost.training.static_pJ.value == pytest.approx(54.0 * bits * 2.841e-14 * 1e12)
    assert cost.training.dynamic_pJ.value == pytest.approx(bits * 4.71)


def test_what_training_must_hold_pushes_the_net_into_larger_memories():
    net = make_net("elman", inputs=20, size=20, outputs=10, signal="values")  # 1,050 words: 8 KB holds it
    activity = run(net)[0]
    cost = estimate_cost(net, activity, "cmos_45nm", training=TrainingRun("bptt", 4000, 1000))
    assert {one.level for one in cost.traffic} == {"8 KB SRAM"}
    levels = {(one.layer, one.kind): one.level for one in cost.training.traffic}
    assert levels["hidden", "moment"] == "32 KB SRAM"
    assert levels["hidden", "state"] == "8 KB SRAM"
    long = estimate_cost(net, activity, "cmos_45nm", training=TrainingRun("bptt", 4_000_000, 1))  # one batch of all
    assert {one.level for one in long.training.traffic if one.kind == "tape"} == {"DRAM"}


def test_training_that_a_chip_cannot_do_says_why():
    training = TrainingRun("bptt", samples_seen=10, weight_updates=2)
    cost = estimate_cost(tiny_lif(), made_up_activity(), "loihi1", training=training)
    assert cost.training.energy_pJ is None
    assert "backward pass" in cost.training.why_not


def test_a_band_holds_its_value():
    with pytest.raises(ValueError, match="low <= value <= high"):
        Band(1.0, 2.0, 3.0)
    assert Band(2, 1, 3) * Band(2, 1, 3) + Band.exact(1) == Band(5, 2, 10)
