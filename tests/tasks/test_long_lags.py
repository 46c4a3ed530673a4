"""Tasks with long lags: what is shown when, and what trivial answers score."""

import math

import pytest
import torch

from neurorec.tasks.copy_memory import draw as copies
from neurorec.tasks.task import load_task
from neurorec.tasks.temporal_order import SYMBOLS


def test_the_first_of_a_hundred_symbols_is_the_last_target():
    task = load_task("long_lag", 0)
    batch = task.split("test")
    x = batch.x.argmax(2)
    assert torch.equal(x[1:], batch.answers[:-1])
    assert torch.equal(x[0], batch.answers[-1])
    assert x[1:].tolist() == [[k] * batch.size for k in range(2, 101)]
    assert set(x[0].tolist()) == {0, 1}


def test_knowing_only_the_symbol_before_costs_one_bit_per_string():
    task = load_task("long_lag", 0)
    test = task.split("test")
    y = torch.nn.functional.one_hot(test.answers, 101).double() * 100
    y[-1] = torch.tensor([100.0, 100.0] + [0.0] * 99)
    scores = task.objective.scores(y, test)
    assert scores["cross-entropy"] == pytest.approx(math.log(2) / 100)
    assert scores["long-range symbol"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(
    ("variant", "frames", "places"),
    [("6a", (100, 110), [(10, 20), (50, 60)]), ("6b", (100, 110), [(10, 20), (33, 43), (66, 76)]),
     ("half", (50, 55), [(5, 10), (25, 30)])],
)  # fmt: skip
def test_the_class_is_the_order_of_x_and_y(variant, frames, places):
    task = load_task(f"temporal_order_{variant}", 0)
    batch = task.split("test")
    assert set(batch.lengths.tolist()) == set(range(frames[0], frames[1] + 1))
    for sample in range(0, batch.size, 7):
        end = int(batch.lengths[sample])
        text = "".join(SYMBOLS[k] for k in batch.x[:end, sample].argmax(1).tolist())
        at = [k for k, symbol in enumerate(text) if symbol in "XY"]
        assert all(first <= k <= last for k, (first, last) in zip(at, places, strict=True))
        assert text[0] == "E" and text[-1] == "B"  # noqa: PT018
        assert set(text[1:-1]) <= set("abcdXY")
        assert int(batch.answers[sample]) == sum((text[k] == "Y") << n for n, k in enumerate(at))
        assert batch.mask[:, sample].nonzero().flatten().tolist() == [end - 1]


def test_ten_symbols_are_copied_after_the_mark():
    batch = copies(50, torch.Generator().manual_seed(0))
    x, target = batch.x.argmax(2), batch.answers
    assert x.shape == target.shape == (120, 50)
    assert torch.equal(x[:10], target[-10:])
    assert int(x[:10].max()) == int(target[-10:].max()) == 7
    assert (x[10:109] == 8).all() and (x[109] == 9).all() and (x[110:] == 8).all()  # noqa: PT018
    assert (target[:110] == 8).all()


def test_blanks_and_a_guess_score_ten_times_ln_8_over_all_frames():
    task = load_task("copy_memory", 0)
    test = task.split("test")
    y = torch.zeros(120, test.size, 9, dtype=torch.float64)
    y[:110, :, 8], y[110:, :, 8] = 1e3, -1e3
    known = 10 * math.log(8) / 120
    assert task.objective.scores(y, test)["cross-entropy"] == pytest.approx(known)
    assert task.baselines()["blanks, then a guess"]["test"] == pytest.approx(known)
    assert task.objective.scores(task.objective.wanted(test, 9) * 30, test)["symbols copied"] == 1.0
