"""Boltzmann encoders: coincidences as enumerated, completion by annealing, recall, and learning that finds codes."""

import numpy as np
import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.boltzmann_encoder import TEMPERATURE, completed, connections, machine_of, recalled
from neurorec.basics.errors import InputError
from neurorec.engines.gibbs.gibbs_cache import load_kernels

SETTINGS = {"visible": 2, "hidden": 1, "annealings": 2, "step": 2, "cycles": 200, "check_every": 20, "runs": 2}
CODES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def encoder(strength: int) -> np.ndarray:
    """Weights of a 4-2-4 machine with these codes: visible units excite or inhibit hidden ones, and inhibit each other."""
    weights = np.zeros((11, 11), np.int64)
    for group in (0, 4):
        weights[group : group + 4, group : group + 4] = -2 * strength
        weights[group : group + 4, 8:10] = strength * (2 * CODES - 1)
        weights[group : group + 4, 10] = -strength * (CODES.sum(1) - 1)
    return (weights + weights.T) * connections(4, 2)


def test_which_units_are_connected():
    linked = connections(2, 1)
    assert (linked == linked.T).all()
    assert linked.tolist()[0] == [0, 1, 0, 0, 1, 1]  # its group, the hidden unit, the one that is always on
    assert linked.tolist()[4] == [1, 1, 1, 1, 0, 1]


def test_coincidences_are_those_of_the_enumerated_machine():
    rng = np.random.default_rng(3)
    weights = np.triu(rng.integers(-15, 16, (6, 6)), 1) * connections(2, 1)
    weights += weights.T
    model = machine_of(weights, 2)
    states = torch.cat([model.all_states().double(), torch.ones(32, 1, dtype=torch.float64)], 1)
    exact = (states.T * model.probabilities(TEMPERATURE)) @ states
    units, counts, sweeps = np.ones(6, np.int8), np.zeros((6, 6), np.int64), 100_000
    args = np.zeros(0, np.int8), np.zeros(2), weights, np.full(sweeps + 100, TEMPERATURE)
    load_kernels("annealed_learning").settle(units, np.arange(5), *args, np.uint64(7), np.uint64(0), sweeps, counts, 1)
    # 5 standard deviations of a share of 1/2 from sweeps of which one in ten is independent
    assert np.abs(counts / sweeps - exact.numpy()).max() < 5 * 0.5 / (sweeps / 10) ** 0.5


def test_noisy_clamping_turns_units_as_often_as_told():
    units, counts, sweeps = np.ones(6, np.int8), np.zeros((6, 6), np.int64), 20_000
    clamped, turn = np.array([1, 0, 1, 0], np.int8), np.array([0.05, 0.15])
    settle, weights = load_kernels("annealed_learning").settle, np.zeros((6, 6), np.int64)
    settle(
        units, np.arange(4, 5), clamped, turn, weights, np.ones(sweeps), np.uint64(1), np.uint64(0), sweeps, counts, 1
    )
    on = np.diag(counts) / sweeps
    assert on == pytest.approx([0.85, 0.05, 0.85, 0.05, 0.5, 1.0], abs=5 * 0.5 / sweeps**0.5)


def test_annealing_completes_with_the_most_probable_state():
    weights, pattern = encoder(40), np.array([0, 0, 1, 0], np.int8)
    model = machine_of(weights, 4)
    states = model.all_states().double()
    given = (states[:, :4] == torch.from_numpy(pattern)).all(1)
    best = states[given][model.energy(states[given]).argmin()]
    found, number = completed(weights, pattern, 5, 0)
    assert found[:-1].tolist() == best.tolist()
    assert number > 0


def test_recall_by_enumeration():
    assert recalled(encoder(40), 4) == 4
    assert recalled(np.zeros((11, 11), np.int64), 4) == 0  # all states are equally probable; the first one is empty


def test_small_encoders_find_codes():
    found = analyse("boltzmann_encoder", SETTINGS, 1)
    assert found.values["share solved"] == 1.0
    assert found.values["cycles to solution"] % 10 == 0
    assert found.baselines["share recalled at the end"] == ("a guess", 0.5)


def test_refusals():
    with pytest.raises(InputError, match="3 patterns need as many codes, but 1 hidden units have 2; use more hidden"):
        analyse("boltzmann_encoder", {**SETTINGS, "visible": 3})
    with pytest.raises(InputError, match=r"cycles must be a multiple of check_every \(got 200 and 30\)"):
        analyse("boltzmann_encoder", {**SETTINGS, "check_every": 30})
