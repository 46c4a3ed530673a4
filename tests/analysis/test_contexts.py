"""Markov models with a given number of contexts against slow counts, and the chaos game's distances."""

import itertools
import math
from collections import Counter

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.chaos_game import common_suffix, last_symbols
from neurorec.analysis.suffix_contexts import (
    contexts_used,
    of_order,
    of_variable_length,
    predicted,
    suffix_counts,
)
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.feigenbaum import feigenbaum_symbols
from neurorec.tasks.task import load_task
from neurorec.training import load_pair

TEXT = torch.randint(3, (400, 1), generator=torch.Generator().manual_seed(0))
SYMBOLS, FOLLOWING = TEXT[:-1], TEXT[1:]
SCORED = (torch.arange(399) >= 2)[:, None]


def after(order):
    """Counter of (last symbols, latest first; next symbol)."""
    text = TEXT[:, 0].tolist()
    return Counter((tuple(text[t - k] for k in range(order)), text[t + 1]) for t in range(2, 399))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_fixed_orders_are_counted_and_predicted_like_a_text(order):
    counts, seen = suffix_counts(SYMBOLS, FOLLOWING, SCORED, 6, 3), after(order)
    kept = of_order(counts, order)
    assert contexts_used(counts, kept) == len({context for context, _ in seen})
    found = predicted(counts, kept, SYMBOLS, 0.5).exp()
    text = TEXT[:, 0].tolist()
    for t in range(2, 399):
        context = tuple(text[t - k] for k in range(order))
        numbers = [seen[context, symbol] + 0.5 for symbol in range(3)]
        if sum(numbers) > 2.5:  # contexts seen once are not longer than needed, but give the same shares
            assert found[t, 0].tolist() == pytest.approx([number / sum(numbers) for number in numbers])


@pytest.mark.parametrize("most", [1, 2, 5, 17])
def test_variable_length_uses_as_many_contexts_as_allowed(most):
    counts = suffix_counts(SYMBOLS, FOLLOWING, SCORED, 6, 3)
    kept = of_variable_length(counts, most)
    assert contexts_used(counts, kept) == most
    assert all(context[:-1] in kept for context in kept if context)


def test_variable_length_finds_the_contexts_of_a_sequence_that_has_few():
    """Of the Feigenbaum sequence, the tree with 3 contexts that loses the least likelihood, by trying all small trees."""
    symbols = feigenbaum_symbols(1, 300)[:, None]
    scored = (torch.arange(299) >= 4)[:, None]
    counts = suffix_counts(symbols[:-1], symbols[1:], scored, 4, 2)

    def likelihood(kept):
        y = predicted(counts, kept, symbols[:-1], 1e-9)
        return float(y[scored][torch.arange(295), symbols[1:][scored]].sum())

    trees = [
        {(), *some} for n in range(1, 5) for some in itertools.combinations([each for each in counts if each], n)
        if all(context[:-1] in {(), *some} for context in some) and contexts_used(counts, {(), *some}) <= 3
    ]  # fmt: skip
    assert likelihood(of_variable_length(counts, 3)) == pytest.approx(max(map(likelihood, trees)))


def test_common_suffixes():
    pasts = last_symbols(torch.tensor([[0, 1], [1, 1], [2, 2]]))  # sequences 0 1 2 and 1 1 2
    assert pasts[:, 2].tolist() == [[2, 1, 0], [2, 1, 1]]
    assert pasts[0, 1].tolist() == [1, 0, -1]
    assert common_suffix(pasts[:, 2]).tolist() == [[3, 2], [2, 3]]
    assert common_suffix(pasts[:, 0]).tolist() == [[1, 0], [0, 1]]


def test_trained_machines_beside_markov_models():
    half, task = load_pair("fractal_prediction").rate, load_task("feigenbaum", 0)
    network = half.build(2, 2, torch.Generator().manual_seed(0))
    encoded = EncodedTask(task, half.encoder, 0)
    settings = {"contexts": [1, 3], "ratios": [0.4, 0.5], "restarts": 2, "pseudo_counts": [0.1, 1.0], "longest": 4}
    found = analyse_network("equal_contexts", network, encoded, settings)
    chance = task.baselines()["symbol frequencies"]["test"] / math.log(2)
    lines = found.figures[0].lines
    for name, (sizes, scores) in lines.items():
        assert sizes == [1, 3]
        assert scores[0] == pytest.approx(chance, abs=1e-3)  # one context knows nothing but frequencies
        assert scores[1] == found.values[name] < 0.8 * scores[0]
    assert found.values["order"] >= 1
    assert network["context"].size == 100  # the trained network is not changed


def test_the_chaos_game_keeps_its_law():
    half, task = load_pair("fractal_prediction").rate, load_task("feigenbaum", 0)
    network = half.build(2, 2, torch.Generator().manual_seed(0))
    found = analyse_network("chaos_game", network, EncodedTask(task, half.encoder, 0), {"states": 300})
    assert 0.5 < found.values["distance over bound"] <= 1
    assert (
        found.baselines["same next symbol"][1] < found.values["same next symbol"] < 1
    )  # no state is its own neighbour
    assert sum(len(x) for x, _ in found.figures[0].groups.values()) == 300
