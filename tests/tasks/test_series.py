"""Series: NARMA-10 by hand, how a series is cut into samples, and its objective."""

import numpy as np
import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.tasks.narma import narma
from neurorec.tasks.objectives.series_prediction import SeriesPrediction, delayed
from neurorec.tasks.series import series_task
from neurorec.tasks.task import Task, load_task

SCORE = "normalised mean squared error"


def counted_up(sizes=(4, 6, 5), washout=2, length=17):
    series = torch.arange(float(length))[:, None]
    return series_task("made up", "made up", series, series + 1, sizes, washout, SeriesPrediction(2), ())


def test_narma_without_input_goes_to_its_fixed_point():
    """y = 0.3 y + 0.5 y^2 + 0.1, of which the smaller root is stable."""
    y = narma(np.zeros(400))
    assert y[-1] == pytest.approx(0.7 - (0.49 - 0.2) ** 0.5)
    assert y[:2].tolist() == [0.1, 0.3 * 0.1 + 0.05 * 0.01 + 0.1]


def test_narma_multiplies_inputs_nine_steps_apart():
    u = np.zeros(20)
    alone = narma(u)
    u[[2, 11]] = 0.5
    both = narma(u)
    assert np.array_equal(both[:11], alone[:11])
    assert both[11] - alone[11] == pytest.approx(1.5 * 0.25)


def test_the_target_of_a_frame_is_the_answer_of_the_system_to_inputs_up_to_it():
    task = load_task("narma10", 3)
    part = task.split("test")
    u, wanted = part.x[:, 0, 0].double().numpy(), part.answers[:, 0, 0]
    from_rest = narma(u)  # forgets that it started elsewhere
    np.testing.assert_allclose(from_rest[200:], wanted[200:].numpy(), atol=1e-5)


def test_parts_follow_each_other_and_begin_with_frames_that_do_not_count():
    task = counted_up()
    parts = [task.split(split) for split in ("train", "validation", "test")]
    assert [len(part.x) for part in parts] == [6, 8, 7]
    assert [part.x[part.frame_mask].flatten().tolist() for part in parts] == [
        [2, 3, 4, 5], [6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16],
    ]  # fmt: skip
    assert [part.x[0].item() for part in parts] == [0, 4, 10]
    assert all(torch.equal(part.answers, part.x + 1) for part in parts)


def test_a_series_that_is_too_short_is_refused():
    with pytest.raises(InputError, match=r"^task made up: the series has 16 frames, but 17 are needed$"):
        counted_up(length=16)


def test_the_error_is_relative_to_the_variance_of_the_frames_that_count():
    task = counted_up()
    part = task.split("train")
    mean = part.answers[part.frame_mask].mean().expand(part.answers.shape)
    objective = task.objective
    assert objective.scores(mean, part) == {SCORE: 1.0, "normalised root mean squared error": 1.0}
    off = objective.scores(part.answers + 0.5, part)  # variance of 3, 4, 5, 6: 5/4
    assert off[SCORE] == pytest.approx(0.25 / 1.25)
    assert off["normalised root mean squared error"] == pytest.approx(0.2**0.5)
    assert objective.sense("normalised root mean squared error") == ("", False)


def test_baselines_of_a_straight_line():
    """Persistence is behind by one step; autoregression knows the next value."""
    found = counted_up().baselines()
    assert list(found) == ["mean target", "persistence", "ridge on the last 2 inputs"]
    assert found["persistence"]["train"] == pytest.approx(1 / 1.25)
    assert found["ridge on the last 2 inputs"]["test"] < 1e-6


def test_delayed_inputs():
    x = torch.tensor([1.0, 2.0, 3.0])[:, None, None]
    assert delayed(x, 2)[:, 0].tolist() == [[1, 0, 1], [2, 1, 1], [3, 2, 1]]


def test_one_value_per_sample_is_no_series():
    with pytest.raises(CannotRun, match=r'a series needs targets \[T, N, O\].*use the objective "regression"$'):
        Task.from_arrays(
            torch.zeros(4, 3, 1), torch.zeros(3, 3), "series_prediction", {"train": [0], "validation": [1], "test": [2]}
        )
