"""The sequence tasks by hand: sums, parities and grammars, worked out another way."""

import math

import numpy as np
import pytest
import torch

from neurorec.tasks.adding_problem import marked_rows
from neurorec.tasks.binary_addition import sums
from neurorec.tasks.embedded_reber import EMBEDDED
from neurorec.tasks.grammar import SYMBOLS, chances
from neurorec.tasks.grammar import strings as grammar_strings
from neurorec.tasks.odd_twos import strings as odd_strings
from neurorec.tasks.task import load_task


def numbers(bits):
    """[T, B] bits, lowest first, to B integers."""
    return (bits.long() * 2 ** torch.arange(len(bits))[:, None]).sum(0)


def test_the_labels_of_binary_addition_are_the_sum():
    x, target = sums(11, 300, torch.Generator().manual_seed(0))
    assert torch.equal(numbers(x[..., 0]) + numbers(x[..., 1]), numbers(target))
    assert not x[-1].any()
    assert target[-1].any()  # the carry out of the last column


def test_binary_addition_learns_short_numbers_and_is_tested_with_long_ones():
    task = load_task("binary_addition", 0)
    assert {split: int(task.split(split).frame_mask.sum(0)[0]) for split in task.splits} == {
        "train": 11,
        "validation": 11,
        "test": 21,
    }
    assert len(task.fresh(torch.Generator()).x) == 11
    test = task.split("test")
    assert torch.equal(numbers(test.x[..., 0]) + numbers(test.x[..., 1]), numbers(test.answers))


def test_a_frame_of_binary_addition_does_not_say_its_bit():
    """Without what was carried, a column's best guess is right just more than half of the time."""
    x, target = sums(101, 2000, torch.Generator().manual_seed(1))
    for ones in (0, 1, 2):
        assert float(target[1:-1][x[1:-1].sum(2) == ones].float().mean()) == pytest.approx(0.5, abs=0.02)


def test_odd_twos_by_counting():
    x, target = odd_strings(30, 50, torch.Generator().manual_seed(0))
    for sample in range(50):
        symbols = x[:, sample].argmax(1).tolist()
        assert target[:, sample].tolist() == [symbols[: t + 1].count(1) % 2 for t in range(30)]


def test_the_adding_problem_marks_one_number_in_each_half():
    x, target = marked_rows(200, torch.Generator().manual_seed(0))
    for sample in range(200):
        first, second = x[:, sample, 1].nonzero().flatten().tolist()
        assert first < 50 <= second
        assert float(target[sample]) == pytest.approx(float(x[first, sample, 0] + x[second, sample, 0]))


def test_the_mean_is_off_by_a_sixth():
    """Two numbers drawn evenly from 0..1 have a variance of 1/12 each."""
    assert load_task("adding_problem", 0).chance_score == pytest.approx(1 / 6, rel=0.05)


def test_answers_within_a_margin_are_counted():
    task = load_task("adding_problem", 0)
    part = task.split("validation")
    y = part.answers + torch.linspace(0, 0.16, part.size)[:, None]
    assert task.objective.scores(y, part)["answers within 0.08"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("inner", ["BTSSXXTVVE", "BPVVE", "BTXXVPSE", "BPVPXVPXVPXVVE", "BTSXXVPSE"])
def test_strings_that_are_known_to_be_reber_strings_are_taken_by_the_grammar(inner):
    for outer, other in ("TP", "PT"):
        assert walk(f"B{outer}{inner}{outer}E")
        assert not walk(f"B{outer}{inner}{other}E")


@pytest.mark.parametrize("inner", ["BTSSPXSE", "BPTVVB", "BTXXVVSE", "BPVSPSE", "BTSSSE"])
def test_strings_that_are_known_not_to_be_are_refused(inner):
    assert not walk(f"BT{inner}TE")


def walk(string):
    state = 0
    for symbol in string:
        if state >= len(EMBEDDED) or symbol not in EMBEDDED[state]:
            return False
        state = EMBEDDED[state][symbol]
    return state == len(EMBEDDED)


def test_drawn_strings_are_legal_and_both_ways_are_taken():
    drawn = grammar_strings(EMBEDDED, 500, np.random.default_rng(0))
    assert all(walk(string) and string[1] == string[-2] for string in drawn)
    assert sum(string[1] == "T" for string in drawn) / 500 == pytest.approx(0.5, abs=0.07)
    assert len({string[2:-2] for string in drawn}) > 50


def test_chances_follow_the_string():
    symbols = torch.tensor([[SYMBOLS.index(symbol)] for symbol in "TBPVVETE"])
    likely = chances(EMBEDDED, symbols)[:, 0]
    assert likely.sum(1).tolist() == [1.0] * 8
    assert [SYMBOLS[k] for k in range(7) if likely[0, k]] == ["T", "P"]
    assert likely[6, SYMBOLS.index("T")] == 1.0  # the long-range symbol is certain


def test_the_grammar_itself_scores_zero_above_it_and_all_legal():
    task = load_task("embedded_reber", 0)
    test = task.split("test")
    y = chances(EMBEDDED, test.answers).log().clamp_min(-1e4)
    scores = task.objective.scores(y, test)
    assert scores["nats above the grammar"] == pytest.approx(0, abs=1e-9)
    assert scores["strings guessed legally"] == scores["long-range symbol"] == 1.0
    forks = sum(math.log(len(EMBEDDED[state])) for string in texts(test) for state in states(string))
    assert scores["cross-entropy"] == pytest.approx(forks / int(test.frame_mask.sum()))


def texts(batch):
    ends = batch.frame_mask.sum(0).tolist()
    return ["B" + "".join(SYMBOLS[k] for k in batch.answers[:end, sample].tolist()) for sample, end in enumerate(ends)]


def states(string):
    found, state = [], 0
    for symbol in string:
        found.append(state)
        state = EMBEDDED[state][symbol]
    return found


def test_who_forgets_the_second_symbol_misses_half_of_the_long_range_ones():
    """Guesses from the grammar, but with T and P alike at the last symbol but one."""
    task = load_task("embedded_reber", 0)
    test = task.split("test")
    likely = chances(EMBEDDED, test.answers)
    before, each = test.frame_mask.sum(0) - 2, torch.arange(test.size)
    likely[before, each] = 0
    likely[before, each, SYMBOLS.index("T")] = 1.0
    scores = task.objective.scores(likely.log().clamp_min(-1e4), test)
    assert scores["long-range symbol"] == pytest.approx(0.5, abs=0.1)
    assert scores["strings guessed legally"] == scores["long-range symbol"]
