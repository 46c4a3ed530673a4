"""What-if: each setting does to the price what its law says, and what a card cannot say is refused with the reason."""

from dataclasses import replace

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.chips.precision import Precision
from neurorec.hardware.communication.link_price import price_traffic
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.hardware.pricing.price import estimate_cost, price
from neurorec.hardware.pricing.what_if import Sweepable, parse_sweep, run_sweep, settings
from neurorec.hardware.workload.changes import restepped
from neurorec.hardware.workload.description import described_work
from neurorec.hardware.workload.setting import Setting, Workers
from neurorec.hardware.workload.trained import trained_work
from neurorec.hardware.workload.workload import TrainingRun, Workload
from tests.hardware.nets import make_net, run
from tests.hardware.workload.description.made_up import made


def trained(cell: str = "lif", signal="spikes", training: TrainingRun | None = None, **sizes) -> Workload:
    network = make_net(cell, signal=signal, **sizes)
    return trained_work(network, run(network)[0], training)


def swept(case, text: str, chip: str):
    return run_sweep(case, parse_sweep(text), [chip])[chip]


def test_every_setting_says_its_law():
    for name in settings:
        assert issubclass(settings[name], Sweepable)
        assert settings[name].title
        assert len(settings[name].law) > 20


def test_bits_follow_the_precision_and_arithmetic_the_card():
    case = trained("elman", "values", inputs=2, size=2, outputs=1)  # all of it lies in 8 KB at any precision
    eight, sixteen, full = swept(case, "precision=8,16,32", "cmos_45nm")
    assert (eight.precision, sixteen.precision, full.precision) == ("int8", "float16", "float32")
    assert eight.breakdown.memory.value == pytest.approx(full.breakdown.memory.value / 4)
    assert sixteen.breakdown.memory.value == pytest.approx(full.breakdown.memory.value / 2)
    macs, elementwise = 6 * (2 * 2 + 2 * 2 + 2 * 1), 6 * (2 + 1)
    assert full.breakdown.compute.value == pytest.approx(macs * 4.6 + elementwise * 2.3)
    assert sixteen.breakdown.compute.value == pytest.approx(macs * 1.5 + elementwise * 0.75)
    assert eight.breakdown.compute.value == pytest.approx(macs * 0.3 + elementwise * 0.115)
    assert eight.breakdown.compute.low == pytest.approx(macs * 0.23 + elementwise * 0.03)
    assert full == price(case, "cmos_45nm")


def test_fewer_bits_fit_into_smaller_memories():
    case = trained("elman", "values", inputs=50, size=40, outputs=10)
    held = [
        next(one.level for one in cost.traffic if (one.layer, one.kind) == ("hidden", "weight"))
        for cost in swept(case, "precision=8,32", "cmos_45nm")
    ]
    assert held == ["8 KB SRAM", "32 KB SRAM"]


def test_a_spike_is_an_address_at_any_precision():
    eight, full = swept(trained(), "precision=8,32", "cmos_45nm")
    bits = [{one.kind: one.bits for one in cost.traffic if one.layer == "hidden"} for cost in (eight, full)]
    assert bits[0]["address"] == bits[1]["address"] > 0
    assert bits[0]["weight"] * 4 == bits[1]["weight"] > 0


@pytest.mark.parametrize(
    ("chip", "text", "told"),
    [
        (
            "cortex_m4",
            "precision=16",
            "its prices are for int8 only, and no source gives prices for float16; omit the",
        ),
        ("loihi1", "precision=8", "its card does not state the data type of its prices, so int8 has none"),
        ("a100", "precision=8", "its prices are for float32, float16, bfloat16 only"),
        ("cmos_45nm", "batch=4", "its card has no batch term"),
    ],
)
def test_what_a_card_cannot_say_is_refused(chip, text, told):
    case = trained("elman", "values") if chip == "cortex_m4" else trained()
    (cost,) = swept(case, text, chip)
    assert not cost.can_run
    assert told in cost.why_not


def test_a_chip_for_int8_counts_messages_in_int8():
    case = trained("elman", "values")
    assert swept(case, "precision=8", "cortex_m4") == [price(case, "cortex_m4")]
    values = 6 * (5 + 7)
    assert price(case, "cortex_m4").communication_bits == values * 8
    assert price(case, "cmos_45nm").communication_bits == values * 32


def test_integers_do_not_backpropagate_and_master_copies_stay_wide():
    case = trained("elman", "values", TrainingRun("bptt", 4, 1))
    eight, sixteen, full = swept(case, "precision=8,16,32", "cmos_45nm")
    assert eight.training.why_not == "backward passes in int8 are not counted; train in a float type"
    for kind, ratio in (("tape", 2), ("moment", 1), ("gradient", 1)):
        narrow, wide = (sum(o.bits for o in cost.training.traffic if o.kind == kind) for cost in (sixteen, full))
        assert narrow * ratio == wide > 0
    ridge = trained("echo_state", "values", TrainingRun("ridge", 4, 0))
    assert swept(ridge, "precision=8", "cmos_45nm")[0].training.energy_pJ is not None


def test_the_optimiser_works_on_master_copies():
    bare = load_chip("cmos_45nm").model_copy(update={"memory": []})  # arithmetic only
    case = trained("elman", "values", TrainingRun("bptt", 0, 1000))  # nothing but updates
    sixteen, full = (price(case.with_setting(precision=Precision.of(name)), bare) for name in ("float16", "float32"))
    assert sixteen.training.dynamic_pJ == full.training.dynamic_pJ
    assert full.training.dynamic_pJ.value > 0


def test_the_last_steps_spikes_follow_its_length():
    case = trained()
    changed = restepped(case, 12, 0.5)
    assert (changed.of["hidden"].spikes == case.of["hidden"].spikes).all()
    (seen,), (now,) = ([one for one in work.into("hidden") if one.unheard is not None] for work in (case, changed))
    assert seen.unheard.sum() > 0
    assert np.abs(now.unheard - seen.unheard / 2).max() <= 0.5
    assert (now.spikes + now.unheard == seen.spikes + seen.unheard).all()


def test_sparsity_takes_spikes_away_and_nothing_else():
    case = trained(training=TrainingRun("stdp", 10, 1000))
    full, half, none = (one for one in swept(case, "sparsity=0,0.5,1", "loihi1"))
    assert full.energy_pJ.value == pytest.approx(price(case, "loihi1").energy_pJ.value)
    assert none.operations.total.synaptic_events == none.operations.input_spikes == 0
    assert none.operations.total.neuron_updates == full.operations.total.neuron_updates
    ratio = half.operations.total.synaptic_events / full.operations.total.synaptic_events
    assert ratio == pytest.approx(0.5, abs=0.1)  # whole spikes a line
    assert half.training.operations.update.plasticity_updates == 500


def test_sparsity_of_a_description_is_exact():
    full, tenth = swept(described_work(made()), "sparsity=0,0.9", "cmos_45nm")
    events = [cost.operations.total.synaptic_events / cost.operations.samples for cost in (full, tenth)]
    assert events[1] == pytest.approx(events[0] / 10, rel=1e-12)


@pytest.mark.parametrize("described", [True, False])
def test_shorter_steps_keep_the_spikes_and_update_more_often(described):
    case = described_work(made()) if described else trained()
    half, one = swept(case, "dt_ms=0.5,1", "spinnaker1")
    each = [(cost.operations.total.neuron_updates / cost.operations.samples) for cost in (half, one)]
    spikes = [cost.operations.total.spikes / cost.operations.samples for cost in (half, one)]
    assert each[0] == 2 * each[1]
    assert spikes[0] == pytest.approx(spikes[1])
    assert half.operations.steps == 2 * one.operations.steps
    assert half.latency_us.value == pytest.approx(one.latency_us.value)  # real time: the same milliseconds
    assert one.energy_pJ.value == pytest.approx(price(case, "spinnaker1").energy_pJ.value)


def test_batches_follow_the_law_of_the_card():
    case = described_work(made(neuron="relu", input={"size": 5, "signal": "values"}, layer=[{"name": "a", "size": 7}]))
    costs = swept(case, "batch=1,16", "xeon_e5_2630")
    assert [cost.batch for cost in costs] == [1, 16]
    assert costs[1] == price(case.with_setting(batch=16), "xeon_e5_2630")


def test_more_chips_draw_more_static_power():
    net = made(layer=[{"name": "many", "size": 40000, "spikes_per_step": 0.5, "fan_in": 2}])
    one, two, wrong = swept(described_work(net), "chips=1,2,39", "loihi1")
    assert (one.mapping.chips, two.mapping.chips) == (1, 2)
    assert two.breakdown.static.value == pytest.approx(
        2 * one.breakdown.static.value * two.latency_us.value / one.latency_us.value
    )
    assert "cores cannot be divided evenly over 39 chips of 128" in wrong.why_not
    larger = made(layer=[{"name": "many", "size": 140000, "spikes_per_step": 0.5, "fan_in": 2}])
    (too_few,) = swept(described_work(larger), "chips=1", "loihi1")
    assert "137 cores cannot be divided evenly over 1 chips of 128" in too_few.why_not
    (one_core,) = swept(trained(), "chips=2", "loihi1")
    assert one_core.why_not == "its 1 cores cannot be divided evenly over 2 chips of 128"
    (no_links,) = swept(described_work(net), "chips=2", "cmos_45nm")
    assert "states no cores" in no_links.why_not


def test_workers_add_up_their_gradients_over_a_link():
    case = trained("elman", "values", TrainingRun("bptt", 4000, 1000))
    alone, two, four = (cost.training for cost in swept(case, "workers:nvlink4=1,2,4", "cmos_45nm"))
    assert alone == price(case, "cmos_45nm").training
    link, numbers = load_link("nvlink4"), make_net("elman", signal="values").parameter_count
    for workers, trained_so in ((2, two), (4, four)):
        bits = 2 * (workers - 1) * numbers * 32 * 1000  # one all-reduce an update
        assert trained_so.communication_bits == alone.communication_bits + bits
        more = trained_so.dynamic_pJ.value - alone.dynamic_pJ.value
        assert more == pytest.approx(bits * link.energy.pJ_per_bit)
        assert trained_so.dynamic_pJ.high - alone.dynamic_pJ.high == pytest.approx(bits * link.energy.as_band().high)
    (eight,) = swept(case, "workers:nvlink4=8", "cmos_45nm")
    assert eight.training.why_not == "8 workers cannot share a batch of 4 samples"
    assert eight.energy_pJ == price(case, "cmos_45nm").energy_pJ
    ridge = trained("echo_state", "values", TrainingRun("ridge", 4, 0))
    assert "has no updates per batch" in swept(ridge, "workers:nvlink4=2", "cmos_45nm")[0].training.why_not


def test_workers_compute_side_by_side_and_wait_for_the_link():
    case = trained("elman", "values", TrainingRun("bptt", 4000, 1000))
    trains = load_chip("ice40_up5k")
    trains = trains.model_copy(
        update={"offers": [*trains.offers, "backward pass"], "precision": "float32"}
    )  # it has times
    alone = price(case, trains).training
    four = price(case.with_setting(workers=Workers(4, "infiniband_ndr")), trains).training
    sent = merge_traffic(make_net("elman", signal="values").parameter_count, 4, 1000)
    waits_us = price_traffic(sent, load_link("infiniband_ndr"), 4).time_s.value * 1e6
    assert four.time_us.value == pytest.approx(alone.time_us.value / 4 + waits_us)
    assert four.static_pJ == alone.static_pJ
    assert "static while waiting for the link" in four.unpriced
    assert "static while waiting for the link" not in alone.unpriced


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workers=2", "sweep workers: name the link, as in workers:nvlink4=1,2,4; links: "),
        ("workers:nvlink9=2", 'there is no card "nvlink9" in hardware/links/'),
        ("batch:nvlink4=2", r'sweep: this setting takes nothing after a colon \(got "nvlink4"\)'),
        ("precison=8", r'sweep setting "precison" is not known \(did you mean "precision"\?\); known: batch, chips'),
        ("precision", 'sweep "precision": write SETTING=VALUE,VALUE; settings: batch, chips, dt_ms'),
        ("precision=7", 'precision "7" is not known; use 8'),
        ("precision=floot32", r'precision "floot32" is not known \(did you mean "float32"\?\)'),
        ("sparsity=2", "sweep sparsity: 2 is not a share"),
        ("sparsity=a", 'sweep sparsity: "a" is not a number'),
        ("batch=0", 'sweep batch: "0" must be a positive integer'),
        ("chips=1.5", 'sweep chips: "1.5" must be a positive integer'),
        ("dt_ms=-1", r"sweep dt_ms: must be positive \(got -1 ms\)"),
        ("batch=2,2", 'sweep "batch=2,2": a value occurs twice'),
    ],
)
def test_a_sweep_that_cannot_be_read_says_how_to_write_it(text, told):
    with pytest.raises(InputError, match=told):
        parse_sweep(text)


@pytest.mark.parametrize(
    ("case", "text", "told"),
    [
        (trained("elman", "values"), "sparsity=0.5", "all lines of this network carry values"),
        (trained("elman", "values"), "dt_ms=2", "the steps of this network have no duration"),
        (trained(), "dt_ms=4", "6 ms of input are not a multiple of 4 ms"),
        (trained(), "dt_ms=6", "a line would spike 5 times per step"),
        (
            trained(),
            "workers:nvlink4=2",
            "sweep workers needs a finished run, which defines how the network is trained",
        ),
    ],
)
def test_a_net_without_that_setting_is_refused(case, text, told):
    with pytest.raises(InputError, match=told):
        swept(case, text, "loihi1")


def test_a_setting_of_ones_own_is_one_class():
    @settings.register("clock_MHz")
    class ByClock(Sweepable):
        title, law = "clock (MHz)", "the card's power per MHz, and time in inverse proportion to the clock"

        @classmethod
        def parse(cls, text):
            return float(text)

        @classmethod
        def changed(cls, case, value):
            return case.with_setting(clock_MHz=value)

    try:
        slow, fast = swept(trained(), "clock_MHz=37.5,75", "odin")
        assert slow.latency_us.value == pytest.approx(2 * fast.latency_us.value)
    finally:
        del settings._members["clock_MHz"]


def test_energy_at_other_precisions_states_the_same_terms():
    card = load_chip("cmos_45nm").model_dump(exclude_none=True)
    del card["energy_at"]["int8"]["mac"]
    with pytest.raises(
        ValueError, match=r"energy_at\.int8: give the same arithmetic terms as \[energy\]: elementwise, mac"
    ):
        type(load_chip("cmos_45nm")).model_validate(card)
    del card["precision"]
    with pytest.raises(ValueError, match="energy_at needs precision"):
        type(load_chip("cmos_45nm")).model_validate(card)


def test_precision_can_differ_by_kind():
    network = make_net("lif")
    mixed = Setting(precision=replace(Precision.of("int8"), state="int16"))
    cost = estimate_cost(network, run(network)[0], "cmos_45nm", setting=mixed)
    bits = {one.kind: one.bits_held for one in cost.traffic if one.layer == "hidden"}
    assert (bits["weight"], bits["state"]) == ((5 * 7 + 7 * 7) * 8, 2 * 7 * 16)
    assert cost.precision == "int8 / int16 / int8"
