"""A net priced on a calibrated board: passes, batch, waiting, and what lies beyond the metered points."""

import pytest

from neurorec.hardware.calibrate import Measurement, calibrate, read_measurements, write_card
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work
from tests.hardware.calibrate.test_calibrate import MANY, metered
from tests.hardware.workload.description.made_up import made

VALUES = {"size": 500, "signal": "values"}


def board(tmp_path, points: list[Measurement]) -> Chip:
    return load_chip(write_card(calibrate(points), "b", tmp_path / "b.toml", "own_measurement"))


def net(steps: int = 1, size: int = 200, **changes):
    return made(neuron="relu", steps=steps, input=VALUES, layer=[{"name": "a", "size": size}], **changes)


def test_every_step_is_a_pass(tmp_path):
    chip = board(tmp_path, MANY)
    one, five = (
        price(described_work(net(1, 1000)), chip),
        price(described_work(net(5, 200)), chip),
    )  # the same 500,000 operations
    assert five.dynamic_pJ.value - one.dynamic_pJ.value == pytest.approx(4 * 3000.0 * 1e6, rel=1e-3)
    assert five.notes == ("5 passes per inference; the metered networks make one",)
    assert one.notes == ()


def test_waiting_for_real_time_costs_idle_power(tmp_path):
    chip = board(tmp_path, MANY)
    cost = price(described_work(net(1, 1000, dt_ms=100.0, waits=True)), chip)
    assert cost.latency_us.value == pytest.approx(100_000.0)
    assert cost.energy_pJ.value - cost.dynamic_pJ.value == pytest.approx(500.0 * 100_000.0 * 1e3)


def test_a_board_metered_at_batch_one_refuses_batches(tmp_path):
    chip = board(tmp_path, [metered(m, 1) for m in (1e5, 1e6, 1e7)])
    assert price(described_work(net(1, 1000), batch=1), chip).can_run
    assert price(described_work(net(1, 1000), batch=8), chip).why_not == (
        "it was metered only at batch 1, so batch 8 has no price; meter a batch and calibrate again"
    )


@pytest.mark.parametrize(("size", "operations"), [(100, "50,000"), (40_000, "20,000,000")])
def test_sizes_beyond_the_metered_ones_are_said(tmp_path, size, operations):
    cost = price(described_work(net(1, size)), board(tmp_path, MANY))
    assert cost.notes == (
        f"extrapolated beyond what was metered: {operations} operations per inference (metered: 100,000 to 10,000,000)",
    )


def test_a_net_metered_twice_is_left_out_with_both_rows():
    again = Measurement("again", 1e7, 32, metered(1e7, 32).energy_uJ * 1.2, metered(1e7, 32).time_us, 500.0)
    points = [*(metered(m, b) for m in (1e5, 1e7) for b in (1, 4, 32)), again]
    left = calibrate(points).left_out
    assert left["again"] * again.energy_uJ == pytest.approx(left["1e+07 x32"] * metered(1e7, 32).energy_uJ)


def test_the_only_batch_is_never_left_out():
    left = calibrate([metered(m, b) for m, b in ((1e5, 1), (1e6, 1), (1e7, 1), (1e5, 64))]).left_out
    assert set(left) == {"1e+06 x1", "1e+07 x1"}  # without the smallest, none would be metered at two batch sizes


@pytest.mark.parametrize(("column", "us"), [("time_ns", 1e-3), ("time_us", 1.0), ("time_ms", 1e3), ("time_s", 1e6)])
@pytest.mark.parametrize(
    ("energy", "uJ"), [("energy_pJ", 1e-6), ("energy_nJ", 1e-3), ("energy_mJ", 1e3), ("energy_J", 1e6)]
)
def test_every_unit(tmp_path, column, us, energy, uJ):
    (tmp_path / "m.csv").write_text(f"operations,batch,{energy},{column}\n100,1,2,3\n")
    (point,) = read_measurements(tmp_path / "m.csv")
    assert (point.energy_uJ, point.time_us) == pytest.approx((2 * uJ, 3 * us))


def test_the_fpga_takes_a_cycle_a_multiply():
    cost = price(described_work(net(1, 200)), "ice40_up5k")
    assert cost.latency_us.value == pytest.approx(500 * 200 * 83.33e-3)
    assert cost.breakdown.compute.value == pytest.approx(500 * 200 * 24.0)
