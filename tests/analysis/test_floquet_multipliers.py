"""Cycles whose multipliers are known exactly."""

import math

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.floquet_multipliers import first_return, monodromy
from neurorec.analysis.whole_state import visited
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import EncoderCard, encoders
from neurorec.tasks.task import load_task
from tests.nets import network

SETTINGS = {"settle": 200, "most_steps": 50}


def turning(turn):
    """(r, angle) -> (r + 0.1 r (1 - r^2), angle + turn): the circle r = 1 attracts with the factor 1 - 0.2 per step."""
    c, s = math.cos(turn), math.sin(turn)
    R = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)

    def step(state, x):
        return (state * (1.1 - 0.1 * state.square().sum(1, keepdim=True))) @ R.T

    return step


def walked(net, settings=SETTINGS):
    task = EncodedTask(load_task("walking_rhythm", 0), encoders["none"](EncoderCard(name="none")), 0)
    return analyse_network("floquet_multipliers", net, task, settings).values


def test_a_cycle_of_five_steps_has_the_multipliers_of_its_normal_form():
    step, nothing = turning(2 * math.pi / 5), torch.zeros(60, 1, 1, dtype=torch.float64)
    orbit = visited(step, torch.tensor([[1.0, 0.0]], dtype=torch.float64), nothing)[:, 0]
    assert first_return(orbit) == (5, pytest.approx(0.0, abs=1e-12))
    M = monodromy(step, orbit[:5], nothing[:5, 0])
    expected = torch.tensor([[0.8**5, 0.0], [0.0, 1.0]], dtype=torch.float64)  # across the cycle, and along it
    assert torch.allclose(M, expected, atol=1e-12, rtol=0)


def test_the_jacobians_are_multiplied_in_the_order_of_time():
    factors = torch.tensor([[[1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64)

    def step(state, x):
        return torch.einsum("bij,bj->bi", factors, state)

    M = monodromy(step, torch.zeros(2, 2, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64))
    assert torch.equal(M, factors[1] @ factors[0])


def test_a_rhythm_without_a_period_returns_most_closely_after_its_best_fraction():
    step, nothing = turning(2 * math.pi * 0.3), torch.zeros(30, 1, 1, dtype=torch.float64)
    orbit = visited(step, torch.tensor([[1.0, 0.0]], dtype=torch.float64), nothing)[:, 0]
    assert first_return(orbit)[0] == 10
    turn, gap = first_return(orbit[:9])
    size = float((orbit[:9] - orbit[:9].mean(0)).norm(dim=1).max())
    assert (turn, gap) == (7, pytest.approx(2 * math.sin(math.pi * 0.1) / size, abs=1e-9))  # 2.1 turns


def test_a_turn_is_the_first_return_not_the_closest():
    orbit = torch.tensor([0.0, 1.0, 2.0, 1e-8, 1.0, 2.0, 0.0], dtype=torch.float64)[:, None]
    assert first_return(orbit)[0] == 3


def test_a_unit_that_flips_has_a_cycle_of_two_steps():
    """h <- tanh(-2 h): h = 0.957504 and its opposite; the slope -2 (1 - h^2) is met twice."""
    net = network("elman", I=1, H=1, O=2).double()
    with torch.no_grad():
        net["hidden"].w_rec.fill_(-2.0)
        net["hidden"].w_in.fill_(0.1)
        net["hidden"].bias.fill_(-0.1)  # the drive, which is 1, is cancelled
        h = torch.tensor(1.0, dtype=torch.float64)
        for _ in range(100):
            h = torch.tanh(2 * h)
    found = walked(net)
    assert found["steps per turn"] == 2
    assert found["gap"] < 1e-6
    assert found["largest multiplier"] == pytest.approx(float(2 * (1 - h**2)) ** 2, abs=1e-9)
    assert math.isnan(found["second multiplier"])


def test_a_state_at_rest_is_a_cycle_of_one_step():
    net = network("elman", I=1, H=3, O=2).double()
    with torch.no_grad():
        net["hidden"].w_rec.copy_(torch.diag(torch.tensor([0.5, 0.25, 0.125])))
        net["hidden"].w_in.zero_()
    found = walked(net)
    assert (found["steps per turn"], found["gap"]) == (1, 0.0)
    assert found["largest multiplier"] == pytest.approx(0.5, abs=1e-9)
    assert found["second multiplier"] == pytest.approx(0.25, abs=1e-9)


def test_networks_that_spike_are_refused():
    net, task = network("lif", I=1, O=2), load_task("walking_rhythm", 0)
    encoded = EncodedTask(task, encoders["none"](EncoderCard(name="none")), 0)
    with pytest.raises(Exception, match="resets make its step discontinuous"):
        analyse_network("floquet_multipliers", net, encoded, SETTINGS)
