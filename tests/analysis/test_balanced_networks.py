"""Balanced networks are wired as published, and agree with theory; statistics of spikes with made-up spike trains."""

import math

import numpy as np
import pytest

from neurorec.analysis.brunel_network import BrunelNetwork, irregularity_of, siegert_Hz
from neurorec.analysis.brunel_states import input_noise
from neurorec.analysis.second_simulator import equal_share
from neurorec.analysis.spike_statistics import activity, after, irregularity, oscillation_Hz, synchrony
from neurorec.analysis.vogels_abbott import coba, cuba
from neurorec.engines.on_plastic import run_network


def test_without_noise_the_rate_is_that_of_a_clock():
    for mean in (21.0, 30.0, 200.0):
        clock_ms = 2.0 + 20.0 * math.log((mean - 10.0) / (mean - 20.0))
        assert siegert_Hz(mean, 0.02) == pytest.approx(1000.0 / clock_ms, rel=1e-3)
        assert irregularity_of(mean, 0.02) < 0.01


def test_far_from_the_threshold_integrals_go_over_into_their_limits():
    near, far = (irregularity_of(30.0, spread) for spread in (20.0 / 14.95, 20.0 / 15.05))
    assert near == pytest.approx(far, rel=0.01)
    near, far = (irregularity_of(30.0, spread) for spread in (10.0 / 14.95, 10.0 / 15.05))
    assert near == pytest.approx(far, rel=0.01)


def test_rare_spikes_are_a_poisson_process():
    assert 0 < siegert_Hz(2.0, 4.0) < 0.01
    assert irregularity_of(2.0, 4.0) == pytest.approx(1.0, abs=1e-3)
    assert siegert_Hz(0.0, 0.5) == 0.0


def test_theory_of_brunels_network():
    net = BrunelNetwork(5.0, 2.0)
    assert net.external_Hz == pytest.approx(20_000.0)  # 1,000 sources at twice 10 Hz
    assert net.incoming == (1000, 250)
    rate = net.theory_Hz()
    assert siegert_Hz(*net.input_mV(rate)) == pytest.approx(rate, rel=1e-9)
    assert net.input_mV(rate)[0] == pytest.approx(40.0 - 0.5 * rate)  # J tau (C_E - g C_I) = -0.5 mV per Hz
    assert net.input_mV(40.0)[1] ** 2 == pytest.approx(0.1**2 * 0.02 * (20_000 + 40 * (1000 + 25 * 250)))
    small = BrunelNetwork(5.0, 2.0, 1250)
    assert small.input_mV(rate)[0] == pytest.approx(net.input_mV(rate)[0])
    assert small.input_mV(rate)[1] == pytest.approx(net.input_mV(rate)[1] * 10**0.5)


def test_wiring_of_brunels_network():
    network = BrunelNetwork(6.0, 4.0, 500).event_network(np.random.default_rng(0))
    for name, incoming, sources, weight in [("excitation", 40, (0, 400), 2.5), ("inhibition", 10, (400, 500), -15.0)]:
        projection = network.projections[name]
        assert projection.pre is not None
        assert projection.post is not None
        assert set(np.bincount(projection.post, minlength=500)) == {incoming}
        assert sources[0] <= projection.pre.min() < projection.pre.max() < sources[1]
        assert set(projection.weights) == {np.float32(weight)}
        assert projection.delay_ms == 1.5


@pytest.mark.parametrize(("g", "eta"), [(6.0, 4.0), (5.0, 2.0)])
def test_rates_of_a_small_network_are_those_of_the_theory(g, eta):
    net = BrunelNetwork(g, eta, 5000)
    spikes = after(run_network(net.event_network(np.random.default_rng(0)), 7000).spikes["neurons"], 2000)
    assert len(spikes[0]) / 5000 / 0.5 == pytest.approx(net.theory_Hz(), rel=0.1)


def test_coba_keeps_itself_active_and_falls_silent_without_synapses():
    coupled, alone = (run_network(coba(np.random.default_rng(0), 4000, coupled), 3000) for coupled in (True, False))
    assert len(after(coupled.spikes["neurons"], 2000)[0]) > 4000  # 10 Hz
    assert len(after(alone.spikes["neurons"], 2000)[0]) == 0


def test_cuba_without_synapses_fires_like_a_clock():
    spikes = run_network(cuba(np.random.default_rng(0), 200, coupled=False), 5000).spikes["neurons"]
    rising = math.ceil(
        200 * math.log((-49 + 60) / (-49 + 50))
    )  # steps from the reset to the threshold, the first of them in the
    assert set(np.diff(spikes[0][spikes[1] == 3])) == {49 + rising}
    assert irregularity(spikes, 200) < 1e-6


def poisson(rate_Hz, size=100, steps=20_000, dt_ms=0.1):
    when, who = np.nonzero(np.random.default_rng(0).random((steps, size)) < np.asarray(rate_Hz) * dt_ms / 1000.0)
    return when, who


def test_statistics_of_clocks_and_of_poisson_processes():
    clock = np.repeat(np.arange(0, 1000, 50), 3), np.tile([0, 1, 2], 20)
    assert irregularity(clock, 5) == 0.0
    assert math.isnan(irregularity((clock[0][:9], clock[1][:9]), 5))
    random = poisson(50.0)
    assert irregularity(random, 100) == pytest.approx(1.0, abs=0.05)
    course = activity(random, 100, 20_000, 0.1, 0.5)
    assert course.mean() == pytest.approx(len(random[0]) / 100 / 2)
    assert synchrony(course, 100, 0.5) == pytest.approx(1.0, abs=0.1)
    assert synchrony(activity(clock, 3, 1000, 0.1, 0.5), 3, 0.5) == pytest.approx(3 * (1 - 0.1))


@pytest.mark.parametrize("frequency", [22.0, 180.0])
def test_the_frequency_of_an_oscillating_rate_is_found(frequency):
    t_s = np.arange(20_000)[:, None] * 1e-4
    course = activity(poisson(40.0 * (1 + np.sin(2 * np.pi * frequency * t_s))), 100, 20_000, 0.1, 0.5)
    assert oscillation_Hz(course, 0.5)[0] == pytest.approx(frequency, abs=1.5)


def test_the_noise_of_poisson_input_is_one_and_that_of_clocks_is_none():
    network = BrunelNetwork(5.0, 2.0, 500).event_network(np.random.default_rng(0))
    assert input_noise(network, poisson(50.0, 500), 20_000) == pytest.approx(1.0, abs=0.15)
    clocks = np.repeat(np.arange(0, 20_000, 100), 500), np.tile(np.arange(500), 200)
    assert input_noise(network, clocks, 20_000) == pytest.approx(0.0, abs=1e-9)


def test_the_share_of_equal_spikes():
    steps, neurons = np.array([0, 0, 3, 5, 9]), np.array([2, 1, 0, 4, 4])
    assert (
        equal_share((steps, neurons), (steps, neurons[[1, 0, 2, 3, 4]])) == 1.0
    )  # order within a step does not matter
    assert equal_share((steps, np.array([2, 1, 0, 3, 4])), (steps, neurons)) == 3 / 5
    assert equal_share((steps[:4], neurons[:4]), (steps, neurons)) == 4 / 5
    assert math.isnan(equal_share((steps, neurons), (steps[:0], neurons[:0])))
