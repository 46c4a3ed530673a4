"""Synapses drawn by chance: every pair alike and independent of the others, exactly with the probability asked for."""

import numpy as np
import pytest
from scipy.stats import binom, chisquare, kstest

from neurorec.basics.errors import InputError
from neurorec.engines.connect import connect_by_chance


def drawn(probability, sources=7, targets=11, seed=0, times=4000, **options):
    """How often each pair was drawn [S, N], and how many pairs each time."""
    random, pairs, counts = np.random.default_rng(seed), np.zeros((sources, targets), int), np.zeros(times, int)
    for k in range(times):
        pre, post = connect_by_chance(random, sources, targets, probability, **options)
        np.add.at(pairs, (pre, post), 1)
        counts[k] = len(pre)
    return pairs, counts


@pytest.mark.parametrize("probability", [0.003, 0.1, 0.5, 0.97])
def test_every_pair_is_a_coin_of_its_own(probability):
    pairs, counts = drawn(probability)
    assert chisquare(pairs.ravel()).pvalue > 1e-4
    deviation = np.sqrt(4000 * probability * (1 - probability))
    assert abs(pairs - 4000 * probability).max() < 5 * deviation
    wanted = binom.pmf(np.arange(78), 77, probability) * 4000
    seen = np.bincount(counts, minlength=78)
    enough = wanted > 10
    seen, wanted = (np.append(v[enough], v[~enough].sum()) for v in (seen, wanted))
    assert (
        chisquare(seen[wanted > 1], wanted[wanted > 1] * seen[wanted > 1].sum() / wanted[wanted > 1].sum()).pvalue
        > 1e-4
    )


def test_neighbours_say_nothing_about_each_other():
    pre, post = connect_by_chance(np.random.default_rng(3), 2000, 2000, 0.05)
    coins = np.zeros(4_000_000, bool)
    coins[pre * 2000 + post] = True
    for lag in (1, 2, 3, 2000):
        both = (coins[:-lag] & coins[lag:]).sum()
        assert abs(both - 4_000_000 * 0.05**2) < 5 * np.sqrt(4_000_000 * 0.05**2)
    gaps = np.diff(np.flatnonzero(coins))
    assert kstest(gaps - np.random.default_rng(0).random(len(gaps)), lambda x: _smooth_geometric(x, 0.05)).pvalue > 1e-4


def _smooth_geometric(x, p):
    """The distribution of a gap less a uniform number: straight lines between the steps of the geometric one."""
    whole = np.floor(x)
    return 1 - (1 - p) ** whole * (1 - p * (x - whole))


def test_pairs_come_once_and_in_order():
    pre, post = connect_by_chance(np.random.default_rng(1), 300, 200, 0.3)
    assert (np.diff(pre * 200 + post) > 0).all()
    assert (pre.max(), post.max()) == (299, 199)


def test_the_ends_of_the_range():
    random = np.random.default_rng(0)
    assert connect_by_chance(random, 5, 4, 0.0)[0].size == connect_by_chance(random, 0, 4, 0.5)[0].size == 0
    assert connect_by_chance(random, 5, 0, 0.5)[0].size == 0
    pre, post = connect_by_chance(random, 5, 4, 1.0)
    assert (pre * 4 + post).tolist() == list(range(20))
    assert connect_by_chance(random, 100, 100, 1e-300)[0].size == 0
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(InputError, match="the probability of a synapse must be between 0 and 1"):
            connect_by_chance(random, 5, 4, wrong)


def test_no_neuron_meets_itself_where_that_is_asked_for():
    pairs, _ = drawn(0.5, 9, 9, times=400, to_itself=False)
    assert pairs.diagonal().sum() == 0
    others = pairs[~np.eye(9, dtype=bool)]
    assert abs(others - 200).max() < 50


def test_a_seed_fixes_the_synapses():
    one, same, other = (connect_by_chance(np.random.default_rng(seed), 50, 50, 0.2) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one[1][:100], other[1][:100])
