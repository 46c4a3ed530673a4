"""Chaotic systems against their known properties, and free runs of reservoirs on them."""

from typing import Any

import numpy as np
import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.chaotic_systems import lorenz_step, mackey_glass, mackey_glass_step, systems
from neurorec.analysis.free_running_series import FreeRunningSeries, forecast
from neurorec.basics.errors import InputError
from neurorec.basics.least_squares import solve_ridge, solve_ridge_by_qr

CELL = {
    "name": "echo_state",
    "spectral_radius": 0.8,
    "density": 0.2,
    "leak": 0.4,
    "input_scale": 0.5,
    "bias_scale": 0.2,
}
SETTINGS = {
    "system": "mackey_glass_17", "size": 100, "cell": CELL, "washout": 300, "steps": 700, "penalty": 1e-14, "starts": 10,
    "spacing": 20, "horizon": 20, "longest": 60, "tolerance": 0.4,
}  # fmt: skip


def test_lorenz_keeps_its_fixed_point_and_turns_with_its_symmetry():
    c = np.sqrt(8 / 3 * 27)
    np.testing.assert_allclose(lorenz_step(np.array([c, c, 27.0])), [c, c, 27.0], rtol=1e-12)
    v = np.array([1.0, 2.0, 20.0])
    np.testing.assert_array_equal(lorenz_step(v * [-1, -1, 1]), lorenz_step(v) * [-1, -1, 1])


def test_lorenz_has_the_stated_exponent():
    """Growth of small displacements, renormalised after each step: the mean over 100 starts and 1,000 steps."""
    v = systems["lorenz"].generate(2000, np.random.default_rng(0))[::20]
    other, logs = v + np.array([1e-8, 0, 0]), []
    for _ in range(1100):
        v, other = lorenz_step(v), lorenz_step(other)
        size = np.linalg.norm(other - v, axis=1, keepdims=True)
        logs.append(np.log(size / 1e-8))
        other = v + (other - v) * 1e-8 / size
    assert np.mean(logs[100:]) == pytest.approx(systems["lorenz"].exponent, rel=0.03)


def test_mackey_glass_has_the_stated_exponent():
    """The same with whole histories of 171 values, the mean over 60 starts and 2,000 units of time."""
    history = 1.2 + 0.2 * np.random.default_rng(0).random((171, 60))
    other, logs = history.copy(), []
    for t in range(25_000):
        for y in (history, other):
            y[t % 171] = mackey_glass_step(y[(t - 1) % 171], y[t % 171])
        if t == 1000:
            other = history + 1e-8
        if t >= 1000 and t % 100 == 99:
            size = np.linalg.norm(other - history, axis=0)
            logs.append(np.log(size / 1e-8 / 171**0.5))
            other = history + (other - history) * 1e-8 * 171**0.5 / size
    assert np.mean(logs[40:]) / 10 == pytest.approx(systems["mackey_glass_17"].exponent, rel=0.1)


def test_mackey_glass_oscillates_from_every_start():
    """Values between 0.2 and 1.4; a constant start does not stay constant."""
    series = mackey_glass(2000, np.random.default_rng(0))[:, 0]
    assert 0.2 < series.min() < 0.5
    assert 1.2 < series.max() < 1.4
    still: Any = type("Still", (), {"random": lambda self, size: np.zeros(size)})()  # starts at 1.1 everywhere
    assert np.ptp(mackey_glass(100, still)) > 0.5


def test_qr_finds_the_weights_of_the_normal_equations():
    generator = torch.Generator().manual_seed(0)
    X = torch.cat([torch.randn(60, 5, generator=generator), torch.ones(60, 1)], 1).double()
    Y = torch.randn(60, 2, generator=generator).double()
    for penalty in (1e-12, 0.1):
        torch.testing.assert_close(solve_ridge_by_qr(X, Y, penalty), solve_ridge(X, Y, penalty), rtol=1e-7, atol=1e-8)


def test_a_reservoir_that_runs_on_its_own_output_stays_close():
    found = analyse("free_running_series", SETTINGS)
    assert found.values["error at the horizon"] < 0.1 < 1 < found.baselines["error at the horizon"][1]
    assert found.values["valid steps"] == 60 > found.baselines["valid steps"][1]
    assert found.values["valid time"] == pytest.approx(60 * systems["mackey_glass_17"].exponent)


def test_the_first_step_of_a_free_run_is_the_prediction_from_true_inputs():
    """So runs that start one step apart begin with predictions for neighbouring steps of the same series."""
    given = FreeRunningSeries.settings({**SETTINGS, "starts": 5, "spacing": 1, "longest": 3})
    runs = forecast(given, 0)
    assert torch.equal(runs.true[0, :-1], runs.last[1:])
    assert torch.equal(runs.true[1, :-1], runs.true[0, 1:])
    assert (runs.predicted[0] - runs.true[0]).abs().max() < 0.02 < 0.1 < (runs.last - runs.true[0]).abs().max()


def test_an_unknown_system_is_refused():
    with pytest.raises(InputError, match=r'^chaotic system "lorentz" is not known \(did you mean "lorenz"\?\)'):
        FreeRunningSeries.settings({**SETTINGS, "system": "lorentz"})
