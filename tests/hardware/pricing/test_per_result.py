"""Energy for a second of input, a correct answer, an epoch, a target; said honestly where there is none."""

from dataclasses import replace

import pytest

from neurorec.hardware.pricing.bill import Outcome
from neurorec.hardware.pricing.per_result import inference_figures, training_figures
from neurorec.hardware.pricing.price import estimate_cost
from neurorec.hardware.workload.workload import TrainingRun
from tests.hardware.nets import make_net, run

HISTORY = ((1, 0.3), (2, 0.7), (3, 0.9), (4, 0.8))
OUTCOME = Outcome(accuracy=0.8, validation=0.9, epochs=4, history=HISTORY)


def cost_of(cell: str = "lif", signal="spikes", rule: str = "bptt"):
    net = make_net(cell, signal=signal)
    return estimate_cost(net, run(net)[0], "cmos_45nm", training=TrainingRun(rule, 400, 40))


def test_a_sample_a_second_and_a_correct_answer():
    cost = cost_of()
    sample, second, answer = inference_figures(cost, 0.8)
    assert sample.energy_pJ == cost.energy_pJ
    assert second.energy_pJ.value == pytest.approx(cost.energy_pJ.value * 1000 / 6)  # 6 steps of 1 ms
    assert second.note == "6 steps of 1 ms per sample"
    assert answer.energy_pJ.high == pytest.approx(cost.energy_pJ.high / 0.8)
    assert answer.at_least


def test_steps_that_stand_for_no_time_and_answers_that_are_all_wrong():
    _, second, answer = inference_figures(cost_of("elman", "values"), 0.0)
    assert (second.energy_pJ, answer.energy_pJ) == (None, None)
    assert second.note == "its steps have no duration (the card has no dt_ms)"
    assert answer.note == "no answer was correct"
    assert len(inference_figures(cost_of(), None)) == 2  # a description answers nothing


@pytest.mark.parametrize(("target", "epoch"), [(0.2, 1), (0.7, 2), (0.75, 3), (0.9, 3)])
def test_the_target_is_reached_by_the_first_epoch_that_scores_it(target, epoch):
    cost = cost_of()
    each, reached = training_figures(cost, OUTCOME, target)
    assert each.energy_pJ.value == pytest.approx(cost.training.energy_pJ.value / 4)
    assert reached.energy_pJ.value == pytest.approx(cost.training.energy_pJ.value * epoch / 4)
    assert reached.note == f"first reached after epoch {epoch} of 4"
    assert not reached.at_most


def test_a_target_out_of_reach_has_no_energy():
    _, never = training_figures(cost_of(), OUTCOME, 0.95)
    assert never.energy_pJ is None
    assert never.note == "not reached: 0.900 at best, after epoch 3 of 4"


def test_a_rule_scored_at_its_end_gives_the_whole_training_at_most():
    cost, end = cost_of(rule="ridge"), replace(OUTCOME, history=(), epochs=1)
    _, whole = training_figures(cost, end, 0.85)
    assert whole.at_most
    assert whole.energy_pJ == cost.training.energy_pJ
    assert training_figures(cost, end, 0.95)[1].note == "not reached: 0.900 at the end"


def test_no_training_no_figure():
    net = make_net("lif")
    assert training_figures(estimate_cost(net, run(net)[0], "loihi1"), OUTCOME, 0.5) == []
