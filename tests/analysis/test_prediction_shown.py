"""The error of the frames shown is that of the objective; networks on other tasks are refused."""

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.prediction_shown import PredictionShown
from neurorec.engines.engine import choose_engine
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import load_task
from neurorec.training import load_pair


def test_the_error_of_all_frames_is_that_of_the_objective():
    half, plain = load_pair("narma_cycle").rate, load_task("narma10", 0)
    network = half.build(1, 1, torch.Generator().manual_seed(0))
    task = EncodedTask(plain, half.encoder, 0)
    found = analyse_network("prediction_shown", network, task, {"frames": 3000})
    batch = task.split("test")
    with torch.no_grad():
        y = choose_engine("auto", network).answers(network, batch, task.objective)
    assert found.values["error"] == pytest.approx(task.objective.score(y, batch))
    (figure,) = found.figures
    assert figure.lines["true"][1] == batch.answers[batch.frame_mask][:, 0].tolist()
    assert figure.lines["predicted"][1] == y[batch.frame_mask][:, 0].tolist()
    assert len(analyse_network("prediction_shown", network, task, {"frames": 7}).figures[0].lines["true"][0]) == 7


def test_classes_are_no_series():
    network = load_pair("lif_vs_elman").rate.build(8, 10, torch.Generator().manual_seed(0))
    assert PredictionShown().why_not(network, load_task("row_digits", 0)) == "the task is not to predict a series"
