"""One-shot classification: the modified Hausdorff distance, the objective by hand, and Omniglot's runs."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from neurorec.basics.errors import CannotRun, InputError
from neurorec.tasks import omniglot
from neurorec.tasks.batch import Batch
from neurorec.tasks.data_files import MissingData, missing_data
from neurorec.tasks.drawings import BLUR, POOLED, SIDE, SPREAD, distorted, prepared, right_turn, seen, shown, where
from neurorec.tasks.hausdorff import Outline, closest, hausdorff
from neurorec.tasks.objectives.one_shot import OneShot, choices
from neurorec.tasks.task import SPLITS, Task, load_task

FORM = (
    "task own task: one-shot classification needs a target of three integers per sample, [N, 3]: its class, its run (-1 for "
    "none), and 1 for a run's training sample or 0 for a test sample"
)


def scribbles(count, side=15, seed=0):
    return np.random.default_rng(seed).random((count, side, side)) < 0.1


def brute_force(one, other):
    """As defined: of all distances between inked pixels."""
    one, other = (np.argwhere(ink) - np.argwhere(ink).mean(0) for ink in (one, other))
    apart = cdist(one, other)
    return max(apart.min(0).mean(), apart.min(1).mean())


def test_the_modified_hausdorff_distance_is_that_of_the_definition():
    inks = scribbles(8)
    outlines = [Outline(ink) for ink in inks]
    for i in range(8):
        for k in range(8):
            assert hausdorff(outlines[i], outlines[k]) == pytest.approx(brute_force(inks[i], inks[k]), rel=1e-12)
            assert hausdorff(outlines[i], outlines[k]) == hausdorff(outlines[k], outlines[i])


def test_the_distance_of_a_drawing_to_itself_is_zero_wherever_it_stands_and_to_others_is_not():
    ink = np.zeros((20, 20), bool)
    ink[2:10, 3:11] = scribbles(1, 8)[0]
    assert hausdorff(Outline(ink), Outline(np.roll(ink, (7, 5), (0, 1)))) == pytest.approx(0, abs=1e-12)
    assert hausdorff(Outline(ink), Outline(ink.T)) > 0.1


def test_the_closest_drawing_is_the_first_with_the_smallest_distance():
    inks = scribbles(30, 12)
    training = [*inks[:6], inks[2], *inks[6:10]]  # the third one twice
    outlines = [Outline(ink) for ink in training]
    for test in [*inks[10:], inks[2]]:
        distances = [brute_force(test, ink) for ink in training]
        found = closest(Outline(test), outlines)
        assert distances[found] == pytest.approx(min(distances), rel=1e-12)
    assert closest(Outline(inks[2]), outlines) == 2


def test_a_drawing_without_ink_is_refused():
    with pytest.raises(InputError, match=r"^a drawing of 5 x 7 pixels has no ink, so no distance to others$"):
        Outline(np.zeros((5, 7), bool))


def batch(target):
    target = torch.as_tensor(target)
    return Batch(torch.zeros(1, len(target), 1), target, torch.tensor([True]))


def points(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LABELS = [[0, -1, 0], [1, -1, 0], [0, 0, 1], [2, 0, 0], [1, -1, 0], [0, -1, 0], [3, -1, 0]]


def test_the_loss_is_that_of_neighbours_drawn_by_their_distance():
    y, labels, losses = points(7, 3), [one[0] for one in LABELS], []
    for i in range(7):
        near = [math.exp(-float((y[i] - y[j]).square().sum())) if j != i else 0.0 for j in range(7)]
        same = sum(near[j] for j in range(7) if labels[j] == labels[i])
        losses += [-math.log(same / sum(near))] if labels.count(labels[i]) > 1 else []
    assert len(losses) == 5
    assert float(OneShot().loss(y, batch(LABELS))) == pytest.approx(sum(losses) / 5, rel=1e-12)


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    data = batch(LABELS)
    y = points(7, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: OneShot().loss(y, data), y)


def test_samples_without_another_of_their_class_give_no_gradient():
    y = points(3, 2).requires_grad_()
    loss = OneShot().loss(y, batch([[0, -1, 0], [1, -1, 0], [2, -1, 0]]))
    loss.backward()
    assert loss == 0
    assert y.grad is not None
    assert not y.grad.any()


RUNS = [[7, 0, 1], [8, 0, 1], [7, 0, 0], [8, 0, 0], [7, 3, 1], [8, 3, 1], [8, 3, 0], [7, -1, 1], [8, -1, 0]]


def test_a_test_sample_is_compared_with_training_samples_of_its_own_run_only():
    y = torch.tensor([[0.0], [10.0], [1.0], [4.0], [3.9], [20.0], [18.0], [18.0], [0.0]])
    tests, chosen = choices(y, torch.tensor(RUNS))
    assert (tests.tolist(), chosen.tolist()) == ([2, 3, 6], [0, 0, 5])  # sample 3 is closer to 4, of another run
    assert OneShot().scores(y, batch(RUNS)) == {"error": pytest.approx(1 / 3)}


def test_of_equal_distances_the_first_training_sample_is_chosen():
    assert choices(torch.zeros(9, 5), torch.tensor(RUNS))[1].tolist() == [0, 0, 4]


def test_samples_that_fill_no_run_cannot_be_scored():
    with pytest.raises(InputError, match=r"^none of these samples belong to a run with training and test samples;"):
        OneShot().scores(torch.zeros(2, 1), batch([[7, 0, 1], [8, 0, 1]]))


def own_task(target, split=None):
    target = torch.as_tensor(target)
    target = torch.cat([target] * 3) if split is None else target
    x = points(2, len(target), 4).float()
    x[0] *= 10
    return Task.from_arrays(x, target, "one_shot", dict(zip(SPLITS, np.split(np.arange(len(target)), 3), strict=True)))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([0, 1], f"{FORM} (got int64 [6])"),
        ([[0.0, 1.0, 1.0]], f"{FORM} (got float32 [3, 3])"),
        ([[0, -2, 1], [1, 0, 2]], f"{FORM} (got runs from -2, roles up to 2)"),
        ([[0, -1, 0]], "train split: it has no run; give some of its samples a run"),
        ([[0, 5, 1], [0, 5, 1], [0, 5, 0]], "run 5 must have one training sample for each of its classes, "),
        ([[0, 5, 1], [0, 5, 0]], "run 5 must have one training sample for each of its classes, "),
        ([[0, 5, 1], [1, 5, 1]], "run 5 has no test sample; correct its roles"),
        ([[0, 5, 1], [1, 5, 1], [2, 5, 0]], "run 5 has a test sample of class 2 without a training sample; "),
    ],
)
def test_what_is_wrong_with_runs_is_said(target, said):
    with pytest.raises(CannotRun) as caught:
        own_task(target)
    assert said in str(caught.value)


def test_the_nearest_neighbour_on_the_input_compares_all_frames():
    task = own_task(RUNS)
    parts = {split: task.split(split) for split in SPLITS}
    both = {split: task.objective.score(torch.cat([*part.x], 1), part) for split, part in parts.items()}
    last = {split: task.objective.score(part.x[-1], part) for split, part in parts.items()}
    assert task.baselines()["nearest neighbour on input"] == both != last
    assert task.baselines()["chance"]["test"] == pytest.approx(2 / 3)


def drawn(count=5, side=42):
    """Blots in the middle of a sheet, apart from its edges."""
    ink = torch.zeros(count, side, side)
    ink[:, 14:26, 15:24] = torch.from_numpy(scribbles(count, 12)[:, :, :9]).float()
    return ink


def test_drawings_are_shown_in_the_middle_with_equal_spread_but_for_the_blur():
    ink = torch.nn.functional.interpolate(drawn()[:, None], scale_factor=2.5)[:, 0]
    sheets = prepared(ink)
    centre, spread = where(shown(sheets).reshape(-1, SIDE, SIDE))
    assert centre.abs().max() < 0.03
    blur = 2 * POOLED * BLUR / 105 / sheets.spread  # standard deviations of independent parts add in squares
    assert (spread / (SPREAD * (1 + blur**2).sqrt()) - 1).abs().max() < 0.03


def test_the_spread_of_a_square_is_that_of_the_uniform_distribution():
    centre, spread = where(torch.ones(1, 9, 9, dtype=torch.float64))
    assert centre.abs().max() < 1e-12
    assert float(spread) == pytest.approx(((81 - 1) / 12) ** 0.5 / 4.5)


def test_a_drawing_looks_the_same_wherever_it_stands():
    there = drawn().roll((6, -3), (1, 2))
    torch.testing.assert_close(shown(prepared(there)), shown(prepared(drawn())), atol=1e-4, rtol=0)


@pytest.mark.parametrize("times", range(4))
def test_right_angles_turn_the_picture(times):
    ink = drawn().double()
    upright = seen(ink, right_turn(torch.zeros(5, dtype=torch.long)).double(), torch.zeros(5, 2).double())
    turned = seen(ink, right_turn(torch.full((5,), times)).double(), torch.zeros(5, 2).double())
    pictures = upright.reshape(5, SIDE, SIDE)
    torch.testing.assert_close(turned.reshape(5, SIDE, SIDE), torch.rot90(pictures, times, (1, 2)))


def test_distortions_are_small_and_drawn_from_the_generator():
    ink, labels = drawn(), torch.zeros(5, dtype=torch.long)
    one, again, other = (distorted(prepared(ink), labels, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == (5, SIDE * SIDE)
    assert one.sum(1).tolist() == pytest.approx(shown(prepared(ink)).sum(1).tolist(), rel=0.8)


needs_data = pytest.mark.skipif(missing_data("omniglot") is not None, reason=str(missing_data("omniglot")))


def hausdorff_errors(run):
    training = [Outline(ink) for ink in run.training]
    return sum(closest(Outline(ink), training) != right for ink, right in zip(run.tests, run.right, strict=True))


@needs_data
def test_the_hausdorff_distance_makes_nine_errors_in_the_first_run():
    """45 %, as the published code does."""
    assert hausdorff_errors(omniglot.one_shot_runs()[0]) == 9


@needs_data
@pytest.mark.slow
def test_the_published_baseline_is_reproduced():
    """38.8 % error: 155 of 400 test drawings."""
    assert sum(hausdorff_errors(run) for run in omniglot.one_shot_runs()) == 155


@needs_data
def test_runs_are_what_was_published_and_background_characters_are_never_tested():
    task = load_task("omniglot", 0)
    parts = {split: task.split(split) for split in SPLITS}
    classes = {split: set(part.answers[:, 0].tolist()) for split, part in parts.items()}
    assert {split: len(labels) for split, labels in classes.items()} == {"train": 196, "validation": 40, "test": 400}
    assert len(set.union(*classes.values())) == 636
    assert {split: part.size for split, part in parts.items()} == {"train": 3920, "validation": 800, "test": 800}
    for split, runs in (("train", 80), ("validation", 20), ("test", 20)):
        target = parts[split].answers
        labels, numbers, roles = target[target[:, 1] >= 0].reshape(runs, 2, 20, 3).unbind(3)
        assert torch.equal(numbers, torch.arange(runs)[:, None, None].expand(runs, 2, 20))
        assert torch.equal(roles, torch.tensor([1, 0])[:, None].expand(runs, 2, 20))
        assert torch.equal(labels[:, 0].sort(1).values, labels[:, 1].sort(1).values)
        assert all(len(row.unique()) == 20 for row in labels[:, 0])
    assert all(sorted(run.right) == list(range(20)) for run in omniglot.one_shot_runs())


@needs_data
def test_no_drawing_is_in_two_runs():
    for part in omniglot._drawings()[:2]:
        pictures = np.packbits(part.ink.bool().numpy().reshape(len(part.ink), -1), axis=1)
        assert len(np.unique(pictures, axis=0)) == len(pictures)


def test_without_its_files_the_task_says_where_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROREC_DATA", str(tmp_path))
    with pytest.raises(MissingData) as caught:
        omniglot.one_shot_runs.__wrapped__()
    assert missing_data("omniglot") == str(caught.value)
    assert str(caught.value) == (
        f"omniglot/all_runs.zip is missing: looked in {tmp_path} (NEUROREC_DATA). Get it from github.com/brendenlake/omniglot, "
        "python/one-shot-classification/all_runs.zip (licence: MIT), and set NEUROREC_DATA to the folder that contains "
        "omniglot/all_runs.zip"
    )


def test_damaged_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROREC_DATA", str(tmp_path))
    (tmp_path / "omniglot").mkdir()
    for file in (omniglot.RUNS, *omniglot.BACKGROUND):
        (tmp_path / file.path).write_bytes(bytes(file.size))
    for read in (omniglot.one_shot_runs, omniglot.background):
        with pytest.raises(InputError, match=r"its SHA-256 is \w+, but \w+ is expected; get the file again"):
            read.__wrapped__()
