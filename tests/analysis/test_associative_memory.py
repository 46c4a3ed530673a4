"""How many patterns associative memories hold: interpolation, recall at low loads, and one update of all units."""

import math

import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.dense_recall import at_once
from neurorec.analysis.hopfield_capacity import falls_through
from tests.models.test_dense_hopfield import dense

CAPACITY = {"size": 60, "loads": [0.02, 0.5], "rule": "hebbian", "flipped": 0.0, "cues": 10, "max_sweeps": 30}


def test_where_a_curve_falls_through_a_level():
    assert falls_through([0, 1, 2], [1.0, 0.9, 0.5], 0.7) == pytest.approx(1.5)
    assert falls_through([0, 1, 2, 3], [1.0, 0.5, 0.9, 0.6], 0.7) == pytest.approx(2 + 2 / 3)  # the last time
    assert math.isnan(falls_through([0, 1], [1.0, 0.9], 0.7))
    assert math.isnan(falls_through([0, 1], [0.5, 0.4], 0.7))


def test_a_few_patterns_are_kept_and_too_many_are_lost():
    found = analyse("hopfield_capacity", CAPACITY).values
    assert found["overlap at the lowest load"] == 1.0
    assert found["overlap at the highest load"] < 0.9
    assert 0.02 < found["critical load"] < 0.5
    assert found["largest rise of energy"] <= 1e-12  # weights are multiples of 1/60: 3,600 terms of size 1/60


def test_flipped_cues_are_completed():
    found = analyse("hopfield_capacity", {**CAPACITY, "flipped": 0.2})
    assert found.values["overlap at the lowest load"] == 1.0
    assert found.baselines["overlap at the lowest load"] == ("the cue itself", pytest.approx(0.6))


def test_projection_holds_what_hebb_loses():
    found = analyse("hopfield_capacity", {**CAPACITY, "rule": "pseudo_inverse", "loads": [0.1, 0.5]}).values
    assert found["overlap at the highest load"] == 1.0
    assert math.isnan(found["critical load"])


def test_all_units_are_updated_from_the_same_states():
    memory = torch.tensor([[1.0, 1.0]])
    assert at_once(dense(memory, 3), torch.tensor([[1.0, -1.0]])).tolist() == [[1.0, 1.0]]
    assert at_once(dense(memory, 2), torch.tensor([[1.0, -1.0]])).tolist() == [[-1.0, 1.0]]  # the sign is not known


def test_steep_energies_recall_what_hebbian_weights_lose():
    settings = {"size": 32, "patterns": [2, 300], "power": "exponential", "flipped": 0.05, "cues": 50}
    found = analyse("dense_recall", settings)
    assert found.values["share recalled"] > 0.9
    assert found.values["most patterns recalled"] in (2, 300)
    assert found.baselines["share recalled"][1] < 0.1
