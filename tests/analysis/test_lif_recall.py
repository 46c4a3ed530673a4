"""Recall by LIF neurons against the load, beside the Hopfield network."""

import math

from neurorec.analysis.analysis import analyse
from neurorec.analysis.found import Raster

SETTINGS = {"size": 100, "loads": [0.02, 0.5], "rule": "hebbian", "flipped": 0.1, "cues": 10}


def test_few_patterns_are_recalled_and_many_are_lost():
    found = analyse("lif_recall", SETTINGS)
    values = found.values
    assert found.baselines["overlap at the lowest load"] == ("the cue itself", 0.8)
    assert values["overlap at the lowest load"] > 0.98
    assert values["overlap of the Hopfield network"] > 0.98
    assert 0.02 < values["critical load"] < 0.5
    assert abs(values["critical load"] - values["critical load of the Hopfield network"]) < 0.2
    assert values["rate for -1"] < 0.05 < 0.8 < values["rate for +1"] < 1.2


def test_projection_recalls_what_hebb_loses():
    values = analyse("lif_recall", {**SETTINGS, "rule": "pseudo_inverse", "loads": [0.1, 0.3]}).values
    assert math.isnan(values["critical load"])
    assert values["overlap at the lowest load"] > 0.99


def test_spikes_are_drawn_in_the_order_of_the_pattern():
    _, raster = analyse("lif_recall", SETTINGS).figures
    assert isinstance(raster, Raster)
    fire = int(raster.about.split("up to ")[1].split(")")[0])
    late = [neuron for time, neuron in zip(raster.times_ms, raster.neurons, strict=True) if time > 100]
    assert sum(neuron < fire for neuron in late) > 0.95 * len(late) > 100
