"""LIF neurons as samplers: currents, translated weights and renewing synapses, each against its definition."""

import numpy as np
import pytest

from neurorec.engines import sampling_neurons as neurons
from neurorec.engines.on_plastic import run_network
from neurorec.engines.sampling_neurons import NUMBERS, ActivationFit, is_on, sampling_network

MADE_UP = ActivationFit(-51.0, 2.0, np.zeros(1), np.zeros(1))


def test_the_current_holds_the_membrane_at_the_mean_potential():
    mean_mV = np.array([-60.0, -50.0])
    total, background = neurons.conductance_uS(), (neurons.conductance_uS() - NUMBERS["g_leak"]) / 2
    inward = (
        NUMBERS["g_leak"] * (NUMBERS["v_leak"] - mean_mV)
        + background * (NUMBERS["v_exc"] - mean_mV)
        + background * (NUMBERS["v_inh"] - mean_mV)
        + neurons.current_nA(mean_mV)
    )
    assert np.abs(inward).max() < 1e-12 * total * 100


def test_a_spike_changes_the_potential_as_its_translation_says():
    """By steps of 1 us of the membrane's equation, linear in a small conductance."""
    dt, v, s, seen = 1e-3, 0.0, 1.0, []
    for _ in range(round(neurons.REFRACTORY_MS / dt)):
        seen.append(v)
        v += dt * (s - neurons.conductance_uS() * v) / NUMBERS["c_mem"]
        s -= dt * s / neurons.TAU_SYN_MS
    assert neurons.potential_per_uS() == pytest.approx(np.mean(seen), rel=2e-3)


def test_weights_lift_the_potential_by_their_number_of_spreads():
    weight = np.array([[0.0, 1.5], [-0.5, 0.0]])
    network = sampling_network(weight, np.array([0.0, 1.0]), MADE_UP)
    per = neurons.potential_per_uS()
    lift = network.projections["exc"].weights * per * (NUMBERS["v_exc"] + 51.0)
    lift += network.projections["inh"].weights * per * (NUMBERS["v_inh"] + 51.0)
    np.testing.assert_allclose(lift, 2.0 * weight, rtol=1e-12)
    assert all((projection.weights >= 0).all() for projection in network.projections.values())
    currents = np.asarray(network.populations["neurons"].start["current"])
    np.testing.assert_allclose(currents, neurons.current_nA(np.array([-51.0, -49.0])), rtol=1e-12)


def test_a_synapse_renews_its_effect_instead_of_adding_to_it(monkeypatch):
    """Without background, the conductance at the target is the weight times the source's trace, after any number of spikes."""
    monkeypatch.setattr(neurons, "BACKGROUND_HZ", 0.0)
    network = sampling_network(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([20.0, -20.0]), MADE_UP)
    seen = run_network(network, 1500, 0)
    assert seen.counts == {"neurons": 15}
    state = seen.state["neurons"]
    assert state["g_exc"][1] == pytest.approx(network.projections["exc"].weights[0, 1] * state["s"][0], rel=1e-12)
    assert state["s"][0] < 1


def test_a_neuron_is_on_for_its_refractory_period():
    on = is_on((np.array([2, 102, 150]), np.array([0, 0, 1])), 2, 210)
    assert on[:, 0].tolist() == [False] * 2 + [True] * 200 + [False] * 8
    assert on[:, 1].tolist() == [False] * 150 + [True] * 60
