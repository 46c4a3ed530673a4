"""The inhibitory network solved from spike to spike: by hand, against small time steps and finite differences."""

import math

import numpy as np
import pytest

from neurorec.analysis.analysis import analyse
from neurorec.analysis.stable_chaos import InhibitoryNetwork, StableChaosSettings

SETTINGS = {"size": 40, "inputs": 10, "coupling": 1.0, "drive": 3.0, "spikes": 20, "before": 10, "trials": 1}


def made(**changes):
    return InhibitoryNetwork(StableChaosSettings(**{**SETTINGS, **changes}), np.random.default_rng(0))


def test_one_spike_by_hand():
    net = made(size=2, inputs=2, drive=2.0)
    net.targets = [np.array([1]), np.array([0])]
    event = net.next(np.array([0.5, 0.25]))
    assert (event.fired, event.interval) == (0, pytest.approx(math.log(1.5)))  # 2 - v falls from 1.5 to 1
    assert event.v.tolist() == pytest.approx([0.0, 2 - 1.75 / 1.5 - 2**-0.5])
    assert net.next(np.array([0.5, 0.25]), lost=True).v.tolist() == pytest.approx([0.0, 2 - 1.75 / 1.5])


def test_between_spikes_potentials_follow_the_equation_in_small_steps():
    net, dt = made(coupling=0.0), 1e-5
    event, v = net.next(net.start), net.start.copy()
    for _ in range(round(event.interval / dt)):
        v += dt * (net.drive - v)
    v[event.fired] = 0.0
    np.testing.assert_allclose(v, event.v, atol=3 * net.drive * dt, rtol=0)


def test_tangents_are_differences_of_two_runs():
    net = made()
    push = np.random.default_rng(1).standard_normal(40)
    one, other, tangent, eps = net.start, net.start + 1e-7 * push, push, 1e-7
    for _ in range(60):
        event, moved = net.next(one), net.next(other)
        assert event.fired == moved.fired
        tangent = net.carried(one, event, tangent)
        one, other = event.v, moved.v
    np.testing.assert_allclose((other - one) / eps, tangent, atol=1e-5 * np.abs(push).max(), rtol=0)


def test_uncoupled_neurons_keep_their_phases_and_have_the_exponent_zero():
    course = made(coupling=0.0).follow(made().start, 40 * 200, np.random.default_rng(1).standard_normal(40))
    assert len(course.states) == 200
    assert abs(course.exponent) * course.time < math.log(1e3)  # differences are bounded, whatever the time
    turn = math.log(3.0 / 2.0)  # from 0 to 1 at the drive 3
    assert course.time == pytest.approx(200 * turn, abs=turn)


def test_inhibition_forgets_a_displacement_but_not_a_lost_spike():
    found = analyse("stable_chaos", {**SETTINGS, "size": 100, "inputs": 30}, 0).values
    assert found["largest exponent"] < -0.1
    assert found["small perturbation left"] < 1e-3
    assert found["effect of a lost spike"] > 0.5


def test_a_lost_spike_does_not_matter_where_it_reaches_nobody():
    found = analyse("stable_chaos", {**SETTINGS, "coupling": 0.0}, 0).values
    assert found["effect of a lost spike"] == 0.0
