"""Tomita's languages and the Reber grammar against definitions of another kind."""

import dataclasses
import itertools
import re

import numpy as np
import pytest
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.embedded_reber import EMBEDDED
from neurorec.tasks.grammar import SYMBOLS, chances, strings
from neurorec.tasks.task import load_task
from neurorec.tasks.tomita import FRAMES, LANGUAGES, accepts, counted_members, draw


def blocks(string):
    return [(symbol, len(list(block))) for symbol, block in itertools.groupby(string)]


def no_odd_ones_then_odd_zeros(string):
    found = blocks(string)
    return not any(a[0] == "1" and a[1] % 2 and b[1] % 2 for a, b in itertools.pairwise(found))


IS_IN = {
    1: lambda s: "0" not in s,
    2: lambda s: s == "10" * (len(s) // 2),
    3: no_odd_ones_then_odd_zeros,
    4: lambda s: "000" not in s,
    5: lambda s: s.count("0") % 2 == s.count("1") % 2 == 0,
    6: lambda s: (s.count("0") - s.count("1")) % 3 == 0,
    7: lambda s: re.fullmatch("0*1*0*1*", s) is not None,
}
SIZES = {1: 2, 2: 3, 3: 5, 4: 4, 5: 4, 6: 3, 7: 5}  # of the minimal complete automata
every_language = pytest.mark.parametrize("number", list(LANGUAGES))


def all_strings(longest):
    return ["".join(bits) for n in range(longest + 1) for bits in itertools.product("01", repeat=n)]


@every_language
def test_a_language_is_what_its_definition_says(number):
    for n in range(1, 11):
        strings = np.array(list(itertools.product((0, 1), repeat=n)))
        expected = [IS_IN[number]("".join(map(str, string))) for string in strings]
        assert accepts(LANGUAGES[number][1], strings)[:, -1].tolist() == expected
        assert counted_members(LANGUAGES[number][1], n)[n, 0] == sum(expected)
    assert bool(LANGUAGES[number][1].labels[0]) == IS_IN[number]("")


@every_language
def test_no_smaller_automaton_exists(number):
    """Myhill and Nerode: prefixes are equivalent if the same suffixes lead them into the language."""
    suffixes = all_strings(4)
    rows = {tuple(IS_IN[number](prefix + suffix) for suffix in suffixes) for prefix in all_strings(5)}
    assert len(rows) == LANGUAGES[number][1].size == SIZES[number]


def texts(symbols, lengths):
    return ["".join(map(str, string[:n])) for string, n in zip(symbols.tolist(), lengths.tolist(), strict=True)]


@every_language
def test_half_of_the_drawn_strings_are_members_of_the_same_lengths(number):
    symbols, lengths = draw(LANGUAGES[number][1], 5, 20, 600, np.random.default_rng(0))
    inside = [IS_IN[number](text) for text in texts(symbols, lengths)]
    assert inside == [True] * 300 + [False] * 300
    assert lengths[:300].tolist() == lengths[300:].tolist()
    assert lengths.min() >= 5 and lengths.max() == 20  # noqa: PT018
    near = texts(symbols[301::2], lengths[301::2])
    flipped = [[text[:k] + "10"[int(text[k])] + text[k + 1 :] for k in range(len(text))] for text in near]
    assert all(any(map(IS_IN[number], others)) for others in flipped)


@every_language
def test_members_are_drawn_uniformly(number):
    symbols, lengths = draw(LANGUAGES[number][1], 6, 6, 8000, np.random.default_rng(1))
    drawn = texts(symbols, lengths)
    for part, belongs in ((drawn[:4000], True), (drawn[4000::2], False)):
        possible = [text for text in all_strings(6) if len(text) == 6 and IS_IN[number](text) == belongs]
        counts = np.array([part.count(text) for text in possible])
        assert counts.sum() == len(part)
        assert abs(counts - len(part) / len(possible)).max() < 5 * (len(part) / len(possible)) ** 0.5


@every_language
def test_tomita_is_trained_on_prefixes_and_tested_on_whole_longer_strings(number):
    task = load_task(f"tomita_{number}", 0)
    assert FRAMES["train"][1] < FRAMES["validation"][0] <= FRAMES["validation"][1] < FRAMES["test"][0]
    for split, (shortest, longest) in FRAMES.items():
        batch = task.split(split)
        assert shortest <= int(batch.lengths.min()) <= int(batch.lengths.max()) <= longest
        symbols = batch.x.argmax(2).T
        for sample in range(0, batch.size, 37):
            text = "".join(map(str, symbols[sample, : batch.lengths[sample]].tolist()))
            counted = batch.frame_mask[:, sample].nonzero().flatten().tolist()
            assert counted == (list(range(len(text))) if split == "train" else [len(text) - 1])
            labels = batch.answers[counted, sample].tolist()
            assert labels == [int(IS_IN[number](text[: at + 1])) for at in counted]
        if split != "train":
            assert float(batch.answers[batch.frame_mask].float().mean()) == 0.5
    assert task.chance_score == 0.5


def reber_strings(longest):
    """All Reber strings, by rewriting: a loop of S or T, a way back from P to X, and two exits."""
    found, open_ends = set(), {"BT", "BP"}
    while open_ends:
        grown = set()
        for string in open_ends:
            grown |= {string + after for after in _after(string) if len(string) < longest}
        found |= {string for string in grown if string.endswith("E")}
        open_ends = {string for string in grown if not string.endswith("E")}
    return found


def _after(string):
    """What may follow, from the last symbols alone."""
    if re.search("(BT|BTS+)$", string):
        return "SX"
    if re.search("BTS*X$|(?<!B)P$", string):  # above or below, before the crossing
        return "XS"
    if re.search("(BP|X)T*$", string):
        return "TV"
    if re.search("(BP|X)T*V$", string):
        return "PV"
    return "E"


def test_reber_strings_are_those_of_the_rewriting_rules():
    task = load_task("reber", 0)
    legal = reber_strings(14)
    test = task.split("test")
    ends = test.frame_mask.sum(0).tolist()
    drawn = {"B" + "".join(SYMBOLS[k] for k in test.answers[:end, sample].tolist()) for sample, end in enumerate(ends)}
    short = {string for string in drawn if len(string) <= 10}
    assert short == {string for string in legal if len(string) <= 10}
    assert all(string in legal for string in drawn if len(string) <= 14)


def test_the_reber_grammar_scores_zero_above_itself():
    task = load_task("reber", 0)
    test = task.split("test")
    scores = task.objective.scores(chances(task.objective.grammar, test.answers).log().clamp_min(-1e4), test)
    assert scores["nats above the grammar"] == pytest.approx(0, abs=1e-9)
    assert scores["strings guessed legally"] == 1.0


def test_one_illegal_guess_spoils_a_string():
    task = load_task("reber", 0)
    test = task.split("test")
    y = chances(task.objective.grammar, test.answers)
    y[0, :1000] = torch.nn.functional.one_hot(torch.tensor(SYMBOLS.index("E")), 7).double()
    assert task.objective.scores(y.clamp_min(1e-9).log(), test)["strings guessed legally"] == 1 - 1000 / 4096


def test_embedded_strings_are_drawn_as_before():
    """The strings of seed 0, which published results depend on."""
    assert strings(EMBEDDED, 2, numpy_generator(0, "embedded_reber")) == ["BPBTSSXXTVVEPE", "BPBTXXTTVPSEPE"]


@pytest.mark.parametrize("name", ["tomita_3", "reber"])
def test_splits_end_with_their_longest_string_and_are_otherwise_whole(name):
    task = load_task(name, 0)
    whole = dataclasses.replace(task, trimmed=False)
    for split in ("train", "validation", "test"):
        batch, padded = task.split(split), whole.split(split)
        T = int(batch.lengths.max())
        assert (len(batch.x), len(padded.x)) == (T, len(task.x))
        for short, long in ((batch.x, padded.x), (batch.target, padded.target), (batch.mask, padded.mask)):
            assert len(short) == T
            assert torch.equal(short, long[:T])
        assert not padded.mask[T:].any()
