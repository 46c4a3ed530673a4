"""What every registered objective keeps, on whichever made-up targets it accepts."""

import math
from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import SPLITS, objectives
from neurorec.tasks.task import Task

T, N, I, O = 6, 60, 3, 3  # noqa: E741
FROM_ARRAYS = [name for name in objectives if name != "reward"]  # which comes from environments


def targets():
    """Of every shape and kind that some objective asks for; each follows in part from the input, in part from chance."""
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.one_hot(torch.randint(I, (T, N), generator=generator), I).float()
    labels = x.argmax(2)
    coin = torch.rand(T, N, generator=generator) < 0.3
    noisy = torch.where(coin, 0, labels.roll(-1, 0))
    values = x + 0.1 * torch.randn(x.shape, generator=generator)
    yield x, noisy[-1]
    yield x, noisy
    yield x, values[-1]
    yield x, values
    yield x, ((x > 0.5) & ~coin[..., None]).float()
    yield x, (x[-1] @ x[-1, 50:].mean(0)).log()[:, None]  # a "true" distribution that the test samples follow exactly
    yield x, (x[-1] > 0.5).float()
    yield x, in_runs(labels[-1])
    yield x * 2 - 1, (x * 2 - 1)[-1] * torch.where(coin[-1], -1, 1)[:, None]


def in_runs(labels):
    """One run per split; the first sample of each class is its training sample."""
    runs = torch.tensor([0] * 40 + [1] * 10 + [2] * 10)
    known = [(labels[k] == labels[:k][runs[:k] == runs[k]]).any() for k in range(N)]
    return torch.stack([labels, runs, 1 - torch.tensor(known).long()], 1)


def made_up(name) -> ArrayTask:
    splits = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
    for x, y in targets():
        try:
            return Task.from_arrays(x, y, name, splits, outputs=O)  # type: ignore[return-value]
        except (CannotRun, InputError, IndexError):
            continue
    raise AssertionError(f"no made-up target suits the objective {name}; add one to targets()")


every_objective = pytest.mark.parametrize("name", FROM_ARRAYS)


@every_objective
def test_an_answer_without_a_mistake_scores_better_than_every_baseline(name):
    task = made_up(name)
    objective, test = task.objective, task.split("test")
    perfect = objective.wanted(test, task.outputs) * 30  # logits that are sure
    if "target" in objective.chance or objective.offers == ("none",):
        perfect = objective.wanted(test, task.outputs)
    best = objective.score(perfect, test)
    assert next(iter(objective.scores(perfect, test))) == objective.metric
    for scores in task.baselines().values():
        assert set(scores) == set(SPLITS)
        assert all(math.isfinite(score) for score in scores.values())
        assert objective.is_better(best, scores["test"])
    chance = task.baselines()[objective.chance]["test"]
    assert best != chance
    assert task.chance_score == chance


@every_objective
def test_the_loss_falls_along_its_gradient(name):
    task = made_up(name)
    batch = task.split("train")
    shape = (batch.size, O) if task.objective.pooled else (T, batch.size, O)
    y = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    loss = task.objective.loss(y, batch)
    (slope,) = torch.autograd.grad(loss, y)
    assert slope.abs().sum() > 0
    assert task.objective.loss(y - 0.1 * slope, batch) < loss


@every_objective
def test_frames_that_do_not_count_do_not_count(name):
    task = made_up(name)
    objective, batch = task.objective, task.split("train")
    if objective.pooled:
        outputs = torch.randn(T, batch.size, O, generator=torch.Generator().manual_seed(1))
        mask = torch.tensor([False, True, False, True, False, False])
        part = replace(batch, mask=mask)
        torch.testing.assert_close(objective.answers(outputs, part), outputs[[1, 3]].mean(0))
        return
    y = torch.randn(T, batch.size, O, generator=torch.Generator().manual_seed(1))
    part = replace(batch, mask=torch.tensor([True, True, False, True, False, False]))
    changed = y.clone()
    changed[[2, 4, 5]] = 5 - 3 * changed[[2, 4, 5]]
    assert objective.scores(y, part) == objective.scores(changed, part)
    assert objective.loss(y, part) == objective.loss(changed, part)
    assert objective.scores(y, batch) != objective.scores(changed, batch)


@every_objective
def test_steps_of_a_frame_are_averaged_before_they_answer(name):
    task = made_up(name)
    k, objective = 4, task.objective
    outputs = torch.randn(T * k, 5, O, generator=torch.Generator().manual_seed(2))
    batch = replace(task.split("train").take(torch.arange(5)), steps_per_frame=k)
    batch = replace(batch, mask=batch.mask.repeat_interleave(k, 0))
    each = outputs.reshape(T, k, 5, O).mean(1)
    expected = each[-1] if objective.pooled else each
    torch.testing.assert_close(objective.answers(outputs, batch), expected)


@every_objective
def test_targets_of_another_kind_are_refused_with_what_is_wanted(name):
    task = made_up(name)
    refusals = []
    for x, y in targets():
        try:
            Task.from_arrays(x, y, name, task.splits, outputs=O)
        except (CannotRun, InputError) as refused:
            refusals.append(str(refused))
    assert len(refusals) >= 3
    assert all(text.startswith("task own task: ") and len(text) > 50 for text in refusals)


@pytest.mark.parametrize(
    ("name", "y", "said"),
    [
        ("classification", torch.zeros(N, 3), "classification needs one label per sample, target [N] (got [60, 3]); for labels "
         'in every frame use the objective "step_classification"; convert one-hot targets to labels with argmax'),
        ("classification", torch.full((N,), 7), "class labels must be in 0..2 (got 7 to 7)"),
        ("classification", torch.zeros(N), "class labels must be integers (got float32); use .long()"),
        ("regression", torch.zeros(N), "regression needs one vector per sample, target [N, O] (got [60]); for targets in every "
         'frame use the objective "step_regression"'),
        ("regression", torch.zeros(N, 3, dtype=torch.int64),
         "regression targets must be real numbers (got int64); use .float()"),
        ("step_classification", torch.zeros(N, dtype=torch.int64),
         "labels in every frame need a target [T, N] = [6, 60] (got [60]); for "
         'one label per sample use the objective "classification"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_targets_is_said(name, y, said):
    x, _ = next(targets())
    splits = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
    with pytest.raises((CannotRun, InputError)) as caught:
        Task.from_arrays(x, y, name, splits, outputs=3)
    assert said in str(caught.value)


def test_markov_models_know_what_their_order_lets_them_know():
    """a b a b ... with a jump: the pair before tells the next symbol, the symbol before does so in part."""
    symbols = torch.tensor([0, 1, 0, 2] * 8).repeat(N, 1).T.roll(1, 0)
    x = torch.nn.functional.one_hot(symbols, 3).float()
    splits = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
    task = Task.from_arrays(x, symbols.roll(-1, 0), "next_symbol", splits, outputs=3)
    found = {name: scores["test"] for name, scores in task.baselines().items()}
    assert found["symbol frequencies"] == pytest.approx(1.5 * math.log(2), abs=0.01)
    assert found["Markov model of order 1"] == pytest.approx(0.5 * math.log(2), abs=0.02)
    assert found["Markov model of order 2"] < 0.05
