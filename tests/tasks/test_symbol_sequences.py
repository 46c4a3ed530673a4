"""Sequences of symbols as tasks: every symbol is predicted once; the Feigenbaum sequence and the laser's changes."""

import io
import math

import numpy as np
import pytest
import torch

from neurorec.tasks.data_files import missing_data
from neurorec.tasks.feigenbaum import feigenbaum_symbols
from neurorec.tasks.laser_symbols import SERIES, laser_changes
from neurorec.tasks.symbol_sequence import ENDS, FRAMES, GIVEN, IN_BASE, sequence_task, windows_of
from neurorec.tasks.task import load_task

needs_laser = pytest.mark.skipif(missing_data("laser_symbols") is not None, reason="the laser data are not here")
SEQUENCE = torch.randint(3, (ENDS["test"],), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def task():
    return sequence_task("letters", "letters", SEQUENCE, ("a", "b", "c"), ())


@pytest.mark.parametrize(("split", "first"), [("train", GIVEN + 1), ("validation", 6_400), ("test", 8_000)])
def test_every_symbol_is_predicted_once(task, split, first):
    part = task.split(split)
    scored = part.answers.T[part.frame_mask.T]  # window after window
    assert torch.equal(scored, SEQUENCE[first : ENDS[split]])
    assert not part.frame_mask[:GIVEN].any()
    assert torch.equal(part.x.argmax(2)[1:], part.answers[:-1])
    assert torch.equal(part.x.sum(2), torch.ones(FRAMES, part.size))


@pytest.mark.parametrize("symbols", [100, 101, 199, 200])
def test_windows_end_with_their_split(symbols):
    begin, scored = windows_of(500, 500 + symbols)
    assert scored.sum() == symbols
    assert int(begin.max()) + FRAMES == 500 + symbols - 1


def test_cross_entropy_in_the_base_of_the_alphabet(task):
    part = task.split("test")
    scores = task.objective.scores(torch.zeros(FRAMES, part.size, 3), part)
    assert scores[IN_BASE] == pytest.approx(1.0)
    assert scores[task.objective.metric] == pytest.approx(math.log(3))
    assert task.objective.sense(IN_BASE) == ("", False)


def test_the_feigenbaum_sequence_is_a_fixed_point_of_its_substitution():
    symbols = feigenbaum_symbols(1, 256).tolist()
    assert [each for symbol in symbols[:128] for each in ((1, 0) if symbol else (1, 1))] == symbols
    assert feigenbaum_symbols(100, 50).tolist() == symbols[99:149]


def test_the_logistic_map_visits_left_and_right_in_this_order():
    """At r = 3.5699456, where the cascade of period doublings ends; the critical point is first mapped to the right."""
    x, seen = 0.5, []
    for _ in range(60):
        x = 3.569945672 * x * (1 - x)
        seen.append(int(x > 0.5))
    assert seen == feigenbaum_symbols(1, 60).tolist()


@needs_laser
def test_laser_changes_by_hand():
    changes = np.diff(np.load(io.BytesIO(SERIES.read()))[:, 0])
    low, high = np.quantile(changes[:8000], [0.1, 0.9])
    for change, symbol in zip(changes.tolist(), laser_changes().tolist(), strict=True):
        expected = (
            ("large rise" if change > high else "rise") if change > 0 else ("large fall" if change <= low else "fall")
        )
        assert ("rise", "large rise", "fall", "large fall")[symbol] == expected
    shares = laser_changes()[:8000].bincount() / 8000
    assert shares[1] == pytest.approx(0.1, abs=0.005)
    assert shares[3] == pytest.approx(0.1, abs=0.005)


@needs_laser
def test_the_order_of_changes_matters():
    found = load_task("laser_symbols", 0).baselines()
    assert found["Markov model of order 2"]["test"] < 0.7 * found["symbol frequencies"]["test"]
