"""Omniglot's runs as they are shown: the same choices that are scored, each under its drawing."""

import numpy as np
import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.one_shot_runs import shown_run, small
from neurorec.tasks.data_files import missing_data
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.omniglot import OneShotRun
from neurorec.tasks.task import load_task
from neurorec.training import load_pair


def test_every_drawing_stands_over_the_number_of_its_choice():
    ink = np.eye(7, dtype=bool)[None].repeat(3, 0)
    figure = shown_run(4, OneShotRun(ink, ink, np.array([2, 0, 1])), torch.tensor([2, 1, 1]))
    assert figure.title == "Run 5: 1 of 3 wrong"
    examples, tests = figure.groups.values()
    assert [image.label for image in examples] == ["1", "2", "3"]
    assert [(image.label, image.mark) for image in tests] == [("3", "right"), ("2 (1)", "wrong"), ("2", "right")]


def test_drawings_are_shown_with_a_third_of_their_pixels():
    ink = np.zeros((7, 7), bool)
    ink[:3, 3:5] = True
    assert small(ink) == [[0, 0.67], [0, 0]]


@pytest.mark.skipif(missing_data("omniglot") is not None, reason=str(missing_data("omniglot")))
def test_the_error_is_that_of_the_test_score_and_runs_are_shown_from_best_to_worst():
    half, task = load_pair("one_shot_lif_vs_feedforward").half("rate"), load_task("omniglot", 0)
    network = half.build(task.inputs, task.outputs, torch.Generator().manual_seed(0))
    encoded = EncodedTask(task, half.encoder, 0)
    part = encoded.split("test")
    error = task.objective.score(network(part.x)[-1].detach(), part)
    found = analyse_network("one_shot_runs", network, encoded, {"runs": 3, "shown": 3})
    first = part.take((part.answers[:, 1] < 3).nonzero()[:, 0])
    assert found.values["error"] == pytest.approx(task.objective.score(network(first.x)[-1].detach(), first))
    assert found.values["error"] != error
    assert found.values["Hausdorff error"] == pytest.approx((9 + 7 + 8) / 60)
    assert found.baselines == {"error": ("modified Hausdorff distance", found.values["Hausdorff error"])}
    wrong = [
        sum(image.mark == "wrong" for group in figure.groups.values() for image in group) for figure in found.figures
    ]
    assert wrong == sorted(wrong)
    assert sum(wrong) / 60 == pytest.approx(found.values["error"])
    assert found.values["largest error"] == pytest.approx(wrong[-1] / 20)
    assert sorted(figure.title.partition(":")[0] for figure in found.figures) == ["Run 1", "Run 2", "Run 3"]
