"""Rhythms with known period and phase, networks that forget at once, and the task of walking."""

import math

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.limit_cycle import embedded, kick, rhythm, shift
from neurorec.analysis.perturbation_growth import distances_after
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.encoders import EncoderCard, encoders
from neurorec.tasks.task import load_task
from neurorec.tasks.walking_rhythm import PERIOD
from tests.nets import network


def generator():
    return torch.Generator().manual_seed(0)


def wave(period, frames=512, phase=0.0):
    t = torch.arange(frames, dtype=torch.float64)
    return torch.sin(2 * math.pi * (t / period - phase))[:, None]


@pytest.mark.parametrize("period", [8.0, 16.0, 17.3, 40.5])
def test_period_and_amplitude_of_a_sine(period):
    found, amplitude = rhythm(torch.cat([wave(period), 0.1 * wave(period)], 1) + 3.0)
    assert found == pytest.approx(period, rel=2e-3)
    assert amplitude == pytest.approx(0.5**0.5, rel=0.02)


def test_constant_outputs_have_no_period():
    assert math.isnan(rhythm(torch.ones(100, 2, dtype=torch.float64))[0])


@pytest.mark.parametrize("delay", [0.0, 0.1, -0.3])
def test_the_shift_of_a_delayed_sine(delay):
    assert shift(wave(16.0, 128), wave(16.0, 128, delay), 16.0) == pytest.approx(-delay, abs=1e-9)


def test_a_sine_and_its_past_are_a_circle():
    assert embedded(wave(16.0), 4).norm(dim=1).tolist() == pytest.approx([1.0] * 508, abs=1e-9)


def test_a_kick_displaces_everything_but_spikes():
    net = network("lif", H=4).double()
    state = net.initial_state(2)
    spread = {"hidden": [torch.ones(2, 4, dtype=torch.float64)] * 3}
    after = kick(state, spread, 2.0, generator()).layers["hidden"]
    assert torch.equal(after.z, state.layers["hidden"].z)
    assert bool((after.v != state.layers["hidden"].v).all())
    assert kick(state, spread, 0.0, generator()).layers["hidden"].v.tolist() == state.layers["hidden"].v.tolist()


@pytest.mark.parametrize("cell", ["elman", "lif"])
def test_a_network_without_recurrence_forgets_a_perturbation_at_once(cell):
    net = network(cell, H=6).double().requires_grad_(False)
    x = (torch.rand(12, 3, 5, generator=generator()) < 0.5).double()
    assert float(distances_after(net, x, 4, generator()).max()) > 0
    with torch.no_grad():
        net["hidden"].w_rec.zero_()
    assert float(distances_after(net, x, 4, generator()).max()) == 0


def test_a_small_kick_of_a_linear_step_grows_as_its_jacobian():
    net = network("elman", H=6, recurrent_gain=0.01).double().requires_grad_(False)
    x = torch.zeros(6, 2, 5, dtype=torch.float64)
    with torch.no_grad():
        net["hidden"].w_rec.copy_(0.5 * torch.eye(6))
    found = distances_after(net, x, 2, generator())
    assert found[:, 0].tolist() == pytest.approx([0.5**k for k in range(1, 5)], rel=1e-6)


def test_a_rotation_that_saturates_is_a_cycle_to_which_kicks_return():
    """h <- tanh(1.3 R h), R turning by 0.7 radians: the cycle attracts, and the drive has no effect."""
    net = network("elman", I=1, H=2, O=2).double()
    with torch.no_grad():
        turn = [[math.cos(0.7), -math.sin(0.7)], [math.sin(0.7), math.cos(0.7)]]
        net["hidden"].w_rec.copy_(1.3 * torch.tensor(turn))
        net["hidden"].w_in.fill_(0.1)
        net["readout"].weight.copy_(torch.eye(2))
    task = EncodedTask(load_task("walking_rhythm", 0), encoders["none"](EncoderCard(name="none")), 0)
    found = analyse_network("limit_cycle", net, task, {"settle": 100, "frames": 512, "kick": 0.5}).values
    assert found["period"] == pytest.approx(2 * math.pi / 0.7, rel=0.05)
    assert found["distance after the kick"] > 0.05
    assert found["distance that remains"] < 0.01
    still = analyse_network("limit_cycle", net, task, {"settle": 100, "frames": 512, "kick": 0.0}).values
    assert still["distance that remains"] < 1e-12
    assert still["shift of the phase"] == pytest.approx(0.0, abs=1e-12)


def test_legs_swing_in_antiphase_from_the_drive_on():
    task = load_task("walking_rhythm", 0)
    batch = task.split("test")
    drive, swing = batch.x[..., 0], batch.answers
    assert torch.equal(swing[..., 0], -swing[..., 1])
    assert bool((swing[drive == 0] == 0).all())
    assert torch.allclose(swing[PERIOD * 2 :], swing[PERIOD : PERIOD * 7], atol=1e-5)
    assert (len(swing), task.split("train").lengths.tolist()[0]) == (128, 64)
