"""The analysis of spike-time gradients: what it compares agrees in continuous time, and converges on grids of steps."""

import pytest

from neurorec.analysis.analysis import analyse
from neurorec.analysis.spike_time_gradients import SpikeTimeGradients
from neurorec.basics.errors import RunFailed


def test_gradients_agree_and_converge():
    settings = {**SpikeTimeGradients.example, "networks": 3, "steps_per_grid": [4, 512]}
    found = analyse("spike_time_gradients", settings, 1)
    assert found.values["finite differences"] < 1e-4
    assert found.values["finest grid"] < found.values["coarsest grid"] / 20
    assert found.values["order"] == pytest.approx(1.0, abs=0.4)
    (figure,) = found.figures
    assert figure.lines["median"][1] == [found.values["coarsest grid"], found.values["finest grid"]]
    assert figure.lines["median"][0] == [0.25 / 4, 0.25 / 512]


def test_silent_layers_say_what_to_change():
    with pytest.raises(
        RunFailed, match=r"20 layers in a row did not spike; raise input_gain \(now 0\.001\) or input_spikes"
    ):
        analyse("spike_time_gradients", {**SpikeTimeGradients.example, "input_gain": 0.001}, 0)
