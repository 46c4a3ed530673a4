"""The Yin-Yang data set: its samples are the published ones, its classes lie where the definition puts them."""

import numpy as np
import pytest
import torch

from neurorec.tasks.task import load_task
from neurorec.tasks.yin_yang import class_of


def test_samples_are_those_of_the_published_seeds():
    """First and last point of each split, and its classes, as the authors' generator draws them."""
    task, expected = load_task("yin_yang", 0), {
        "train": (5000, (0.68030754, 0.45049925), (0.76907972, 0.58833893), [1681, 1702, 1617]),
        "validation": (1000, (0.68057273, 0.32097339), (0.7107041, 0.80473335), [316, 336, 348]),
        "test": (1000, (0.23409665, 0.40172498), (0.32834061, 0.38998304), [350, 316, 334]),
    }  # fmt: skip
    for split, (size, first, last, classes) in expected.items():
        batch = task.split(split)
        assert batch.x.shape == (1, size, 4)
        np.testing.assert_allclose(batch.x[0, [0, -1], :2], [first, last], atol=1e-7)
        torch.testing.assert_close(batch.x[..., :2] + batch.x[..., 2:], torch.ones(1, size, 2))
        assert torch.bincount(batch.answers).tolist() == classes


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ((0.25, 0.5), 2), ((0.75, 0.5), 2), ((0.25, 0.59), 2), ((0.25, 0.61), 1), ((0.25, 0.3), 1), ((0.75, 0.61), 0),
        ((0.75, 0.3), 0), ((0.5, 0.9), 1), ((0.5, 0.1), 0), ((0.1, 0.4), 1), ((0.03, 0.35), 0), ((0.97, 0.65), 1),
    ],
)  # fmt: skip
def test_classes_lie_where_they_are_defined(point, kind):
    assert class_of(*point) == kind


def test_no_line_separates_the_classes():
    ridge = load_task("yin_yang", 0).baselines()["ridge on input"]["test"]
    assert 0.5 < ridge < 0.66
