"""Hebbian storage: the weights of Hopfield (1982), what they recall, and what storing costs."""

from itertools import product

import pytest
import torch

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.relaxation import UNITS
from neurorec.learning.hebbian import Hebbian
from neurorec.learning.rule import rules
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.rounding import assert_apart, sums_apart

SETTINGS = {"epochs": 1, "batch_size": 7}


def run(task="pattern_recall", seed=0):
    return train(load_pair("hopfield").rate, load_task(task, seed), "hebbian", seed, device="cpu")


def test_weights_are_symmetric_sums_of_products_without_a_diagonal():
    task = load_task("pattern_recall", 0)
    model = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=20), task.inputs)
    train(model, task, "hebbian", settings=SETTINGS, device="cpu")  # in batches of 7, 7 and 6
    patterns = task.split("train").x[0]
    by_hand = torch.zeros(5, 5, dtype=torch.float64)
    for pattern, i, j in product(patterns, range(5), range(5)):
        by_hand[i, j] += 0 if i == j else float(pattern[i] * pattern[j]) / task.inputs
    assert_apart(model.weight[:5, :5], by_hand, sums_apart(torch.tensor(20 / task.inputs), 20), "weights")
    assert torch.equal(model.weight, model.weight.T)
    assert not model.weight.diagonal().any()


def test_patterns_are_recalled_from_cues_better_than_by_leaving_them_as_they_are():
    seen = run()
    assert seen.scores["test"] > 0.98 > seen.task.baselines()["the cue itself"]["test"] == pytest.approx(0.8)
    assert seen.extra_scores["patterns without an error"]["test"] > 0.7
    hard = run("pattern_recall_hard")
    assert 0.75 < hard.scores["test"] < seen.scores["test"]
    assert hard.task.baselines()["the cue itself"]["test"] == pytest.approx(0.4)


def test_recall_is_a_relaxation_whose_sweeps_are_steps():
    seen = run()
    assert seen.engine == "relaxation"
    activity = seen.activity
    assert activity.samples == 200
    assert activity.running[0] == 200
    assert activity.running[-1] >= 1
    assert activity.sample_steps == activity.running.sum()
    assert set(activity.layers) == {"input", UNITS}
    assert seen.training["weight_updates"] == 20 * 200 * 199


def test_storing_is_counted_as_a_walk_over_its_synapses():
    model = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=20), 4)
    by_walking = {"elementwise": 0, "weight_reads": 0, "weight_writes": 0, "plasticity_updates": 0, "values_sent": 0,
                  "activation_reads": 0, "activation_writes": 0}  # fmt: skip
    for _pattern in range(3):
        for i in range(4):
            by_walking["elementwise"] += 1  # x_i / N
            for part in ("values_sent", "activation_reads", "activation_writes"):
                by_walking[part] += 1
            for _j in set(range(4)) - {i}:
                by_walking["elementwise"] += 2
                for part in ("weight_reads", "weight_writes", "plasticity_updates"):
                    by_walking[part] += 1
    forward = ForwardPass(LayerCounts({UNITS: Counts(macs=99)}), 5, 2, 10, 5, 0)
    counted = Hebbian.count_training(model, forward, samples_seen=3, weight_updates=3 * 4 * 3)
    assert counted.update == Counts(**by_walking)
    assert counted.forward == counted.backward == Counts()


def test_what_it_refuses():
    with pytest.raises(CannotRun) as caught:
        train(load_pair("lif_vs_elman").rate, load_task("pattern_recall", 0), "hebbian", settings=SETTINGS)
    assert str(caught.value) == (
        "rule Hebbian storage cannot train Elman: it stores patterns in the symmetric weights of a Hopfield network, "
        "which this is not; use bptt for layers"
    )
    model = load_pair("hopfield").rate.build(3, 3, torch.Generator())
    with pytest.raises(CannotRun, match="rule BPTT cannot train Hopfield network: it trains networks of layers"):
        rules["bptt"].check(model)
    with pytest.raises(InputError, match=r"settings of hebbian: epochs: must be 1 \(got 2\)"):
        train(load_pair("hopfield").rate, load_task("pattern_recall", 0), "hebbian", settings={**SETTINGS, "epochs": 2})
    with pytest.raises(InputError, match="pair dense_hopfield has no spiking half: memories exchange exponentials"):
        load_pair("dense_hopfield").spiking  # noqa: B018
