"""What is drawn from an energy model: distances by hand, chains that forget where they started, refusals."""

import pytest
import torch

from neurorec.analysis.analysis import analyse_network, analyses
from neurorec.analysis.samples_drawn import DISTANCE
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import load_task
from neurorec.training import load_pair


def subject(pair="digits_rbm", task="digit_patterns"):
    loaded, plain = load_pair(pair).rate, load_task(task, 0)
    model = loaded.build(plain.inputs, plain.outputs, torch.Generator().manual_seed(0))
    return model, EncodedTask(plain, loaded.encoder, 0)


def test_distances_and_energies_by_hand():
    model, task = subject()
    train = task.split("train").x[-1]
    pattern = train[5].clone()
    pattern[[1, 30]] = 1 - pattern[[1, 30]]
    model.weight.zero_()
    model.visible_bias.copy_(100 * (2 * pattern - 1))  # always drawn
    found = analyse_network("samples_drawn", model, task, {"chains": 7, "sweeps": 1})
    nearest = min(int((pattern != other).sum()) for other in train)
    assert found.values[DISTANCE] == pytest.approx(nearest / 64)
    assert found.values["energy above the data"] == 0
    test = task.split("test").x[-1]
    expected = sum(float((train != one).sum(1).min()) for one in test) / len(test) / 64
    assert found.baselines[DISTANCE] == ("test patterns", pytest.approx(expected))
    assert nearest > 0


def test_chains_start_from_random_states_and_from_test_patterns():
    model, task = subject()
    model.weight.zero_()
    model.visible_bias.fill_(1.0)
    lines = analyse_network("samples_drawn", model, task, {"chains": 300, "sweeps": 3}).figures[2].lines
    (_, random), (_, data) = lines.values()
    assert random[0] == pytest.approx(-32, abs=6 * 4 / 300**0.5)  # half of 64 units
    start = task.split("test").x[-1]
    assert data[0] == pytest.approx(-float(start[torch.arange(300) % len(start)].sum(1).mean()), rel=1e-5)
    assert random[-1] == pytest.approx(-64 * 0.7310586, abs=6 * 3.55 / 300**0.5)


def test_what_cannot_be_shown_is_refused():
    for pair, task, told in (
        ("hopfield", "pattern_recall", "Hopfield network does not sample at a temperature"),
        ("boltzmann", "parity3", "its 3 visible units do not form a square image"),
    ):
        model, encoded = subject(pair, task)
        assert analyses["samples_drawn"]().why_not(model, encoded) == told
