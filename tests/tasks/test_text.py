"""Texts as tasks: which characters are drawn, read and scored."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.tasks.text import FRAMES, GIVEN, PERPLEXITY, as_numbers, text_task

LENGTH = 20_000
ENDS = {"train": (0, 16_200), "validation": (16_200, 18_000), "test": (18_000, 20_000)}
TEXT = "".join(np.random.default_rng(0).choice(list("abcde"), LENGTH, p=[0.4, 0.3, 0.1, 0.1, 0.1]))


@pytest.fixture(scope="module")
def task():
    return text_task("letters", "letters", *as_numbers(TEXT.encode(), "letters"), 0, ())


def written(numbers):
    """Numbers [F, B], window after window, as text."""
    return ["".join("abcde"[k] for k in window) for window in numbers.T.tolist()]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_every_character_of_a_held_out_split_is_scored_once_after_32_others(task, split):
    part, (first, last) = task.split(split), ENDS[split]
    scored = "".join(written(part.answers[GIVEN:]))
    assert scored == TEXT[first : first + len(scored)]
    assert last - first - len(scored) < FRAMES - GIVEN  # the rest fills no window
    assert torch.equal(part.frame_mask, (torch.arange(FRAMES) >= GIVEN)[:, None].expand(FRAMES, part.size))


def test_the_target_is_the_character_after_the_one_read(task):
    part = task.split("test")
    assert torch.equal(part.x.argmax(2)[1:], part.answers[:-1])
    assert torch.equal(part.x.sum(2), torch.ones(FRAMES, part.size))


def test_training_windows_come_from_the_training_text_and_are_drawn_afresh(task):
    training = TEXT[slice(*ENDS["train"])]
    first, second = (task.fresh(torch.Generator().manual_seed(seed)) for seed in (1, 2))
    for batch in (task.split("train"), first, second):
        assert all(window in training for window in written(batch.answers))
        assert batch.frame_mask.all()
    assert written(first.answers) != written(second.answers)


def test_markov_models_are_counted_on_the_whole_training_text(task):
    training, answered = TEXT[slice(*ENDS["train"])], TEXT[ENDS["test"][0] :][: task.split("test").size * 96]
    before = TEXT[ENDS["test"][0] - 1 :]
    pairs = Counter(pairwise(training))
    firsts, singles = Counter(training[:-1]), Counter(training[1:])
    expected = [
        -sum(math.log((singles[c] + 1) / (singles.total() + 5)) for c in answered) / len(answered),
        -sum(
            math.log((pairs[b, c] + 1) / (firsts[b] + 5))
            for b, c in zip(before[: len(answered)], answered, strict=True)
        ) / len(answered),
    ]  # fmt: skip
    found = [scores["test"] for scores in task.baselines().values()]
    assert found[:2] == pytest.approx(expected, abs=1e-9)


def test_perplexity_is_the_exponential_of_the_cross_entropy(task):
    part = task.split("validation")
    found = task.objective.scores(torch.zeros(FRAMES, part.size, 5), part)
    assert found[task.objective.metric] == pytest.approx(math.log(5))
    assert found[PERPLEXITY] == pytest.approx(5)
    assert task.objective.sense(PERPLEXITY) == ("", False)


def test_texts_that_are_not_ascii_or_too_short_are_refused():
    with pytest.raises(InputError, match=r"^letters: byte 20,000 is not ASCII; convert the text to ASCII first$"):
        as_numbers(TEXT.encode() + "é".encode(), "letters")
    with pytest.raises(InputError, match=r"^letters: a text must have at least 10,000 characters \(got 5\)$"):
        as_numbers(b"to be", "letters")
