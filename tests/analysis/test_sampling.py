"""Neurons that sample from a Boltzmann machine: divergence of what they visit, and of what is known exactly."""

import numpy as np
import pytest

from neurorec.analysis.analysis import analyse
from neurorec.analysis.sampled_machines import divergence, ends_of_parts, exact, of_independent_units, random_machine


def test_the_divergence_by_hand():
    assert divergence(np.array([1, 1]), np.array([0.5, 0.5])) == 0
    assert divergence(np.array([0, 4]), np.array([0.5, 0.5])) == pytest.approx(np.log(2))


def test_without_weights_units_are_independent():
    machine = random_machine(4, 2.0, 0)
    assert of_independent_units(exact(machine)) > 0.01
    machine.weight.zero_()
    assert of_independent_units(exact(machine)) == pytest.approx(0, abs=1e-12)


def test_machines_have_symmetric_weights_within_their_range():
    machine = random_machine(9, 2.0, 1)
    assert (machine.weight == machine.weight.T).all()
    assert not machine.weight.diagonal().any()
    values = machine.weight[np.triu_indices(9, 1)].abs()
    assert float(values.max()) <= 1
    assert float((values > 0.7).double().mean()) == pytest.approx(0.5, abs=0.25)  # asin(0.7) 2 / pi


def test_parts_end_with_the_last_step():
    assert ends_of_parts(100)[-1] == 100
    assert ends_of_parts(10**6)[0] == 100


def test_neurons_come_close_to_the_distribution():
    settings = {"units": 5, "strength": 2.0, "refractory_steps": 5, "steps": 100_000}
    found = analyse("refractory_sampling", settings, 0)
    kind, baseline = found.baselines["divergence"]
    assert kind == "independent units"
    assert (
        found.values["divergence"] < 0.005 < baseline
    )  # 31 / (2 * 100,000) for independent samples, times some dozens
    assert found.values["divergence of Gibbs sampling"] < found.values["divergence"]


def test_lif_neurons_come_closer_than_independent_units():
    settings = {"units": 4, "strength": 2.0, "calibration_ms": 20_000.0, "duration_ms": 50_000.0}
    found = analyse("lif_sampling", settings, 1)
    assert found.values["divergence"] < 0.05 < found.baselines["divergence"][1]
    assert found.values["misfit"] < 0.05
