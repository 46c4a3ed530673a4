"""Tasks whose distribution is known, and the objective that measures how well a model knows it."""

import math

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.tasks.objectives.log_likelihood import BELOW, independent, remembered
from neurorec.tasks.task import SPLITS, Task, load_task


def test_bars_and_stripes_have_thirty_images_and_their_entropy():
    task = load_task("bars_and_stripes", 0)
    for split, copies in (("train", 50), ("validation", 1), ("test", 1)):
        part = task.split(split)
        images, counts = part.x[-1].unique(dim=0, return_counts=True)
        assert len(images) == 30
        assert sorted(counts.tolist()) == [copies] * 28 + [2 * copies] * 2
        assert float(part.answers.mean()) == pytest.approx(-7 / 8 * math.log(32) - 1 / 8 * math.log(16), rel=1e-12)
    squares = images.reshape(30, 4, 4)
    bars = (squares == squares[:, :, :1]).all(2).all(1) | (squares == squares[:, :1]).all(2).all(1)
    assert bars.all()
    # the sum over the 30 images, as the literature gives it
    found = task.split("test")
    each = torch.cat([found.x[-1], found.answers.float()], 1).unique(dim=0)[:, -1]
    assert float(each.sum()) == pytest.approx(-102.586, abs=1e-3)


def test_parity_is_invisible_to_pairs_of_bits():
    part = load_task("parity3", 0).split("test")
    x = part.x[-1].double()
    assert (x.sum(1) % 2 == 0).all()
    assert torch.equal(torch.cov(x.T, correction=0), torch.eye(3, dtype=torch.float64) / 4)
    assert float(part.answers.mean()) == pytest.approx(-math.log(4), rel=1e-12)


def test_independent_inputs_are_the_best_product_of_distributions():
    train = (
        torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) < torch.tensor([0.2, 0.5, 0.7, 0.9])
    ).double()
    best = float(independent(train, train).mean())
    for seed in range(50):
        p = torch.rand(4, generator=torch.Generator().manual_seed(seed)).double()
        assert float((train * p.log() + (1 - train) * (1 - p).log()).sum(1).mean()) <= best
        near = (train.mean(0) + 0.1 * (p - 0.5)).clamp(0.01, 0.99)
        assert float((train * near.log() + (1 - train) * (1 - near).log()).sum(1).mean()) <= best
    never = torch.zeros(8, 2, dtype=torch.float64)
    assert independent(never, torch.tensor([[1.0, 0.0]]).double()).item() == pytest.approx(
        math.log(0.1) + math.log(0.9)
    )


def test_remembered_patterns_are_a_distribution():
    train = torch.tensor([[0, 0, 1], [0, 0, 1], [1, 0, 1], [1, 1, 0]]).double()
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).double()
    for share in (0.001, 0.1, 1.0):
        p = remembered(train, every, share).exp()
        assert float(p.sum()) == pytest.approx(1, abs=1e-12)
    assert remembered(train, train[:1], 0.0).item() == pytest.approx(math.log(0.5))


def test_scores_are_differences_to_the_truth():
    task = load_task("parity3", 0)
    part = task.split("test")
    scores = task.objective.scores(torch.full((4, 1), -math.log(8)), part)
    assert scores == pytest.approx({"log-likelihood": -math.log(8), BELOW: math.log(2)})
    assert task.objective.sense(BELOW) == ("nats/sample", False)
    assert task.objective.sense("log-likelihood") == ("nats/sample", True)


def test_patterns_other_than_bits_are_refused():
    x, y = torch.full((1, 3, 2), 0.5), torch.zeros(3, 1)
    with pytest.raises(CannotRun) as caught:
        Task.from_arrays(x, y, "log_likelihood", dict(zip(SPLITS, ([0], [1], [2]), strict=True)))
    assert str(caught.value) == (
        "task own task: log-likelihood needs patterns of 0 and 1 in the last frame; binarise the data first"
    )


def test_digits_are_black_and_white_and_their_distribution_is_unknown():
    task = load_task("digit_patterns", 0)
    grey = load_task("frame_digits", 0)
    part = task.split("test")
    assert torch.equal(part.x, (grey.split("test").x >= 0.5).float())
    assert not task.exhaustive
    assert task.objective.scores(torch.full((part.size, 1), -3.0), part) == {"log-likelihood": -3.0}
    found = task.baselines()
    assert found["independent inputs"]["test"] == pytest.approx(-25.5, abs=0.1)
