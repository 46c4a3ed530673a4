"""The bounds that tests compare with: wide enough for any order of sums, too narrow for anything else."""

import copy

import numpy as np
import pytest
import torch

from tests.laws.test_gradients import SMOOTH
from tests.nets import inputs, network
from tests.rounding import assert_apart, sums_apart, unrolled_apart


def test_sums_in_any_order_lie_within_the_bound_and_a_lost_term_does_not():
    terms = np.sort(np.random.default_rng(0).normal(size=2000).astype(np.float32))
    allowed = sums_apart(torch.tensor(np.abs(terms).sum()), 2000)
    one, two, less = (torch.tensor(np.cumsum(order)[-1]) for order in (terms, terms[::-1], terms[:-1]))
    assert one != two
    assert_apart(one, two, allowed)
    with pytest.raises(AssertionError, match=r"a sum: .* further apart than the order of sums explains"):
        assert_apart(one, less, allowed, "a sum")


@pytest.mark.parametrize("name", SMOOTH)
def test_single_precision_errs_less_than_its_bound_and_the_bound_is_small(name):
    net = network(name, I=5, H=9)
    x = inputs(net, 17, 8) / (17 if net["hidden"].holds else 1)  # some add up all they hear
    outputs, state = unrolled_apart(net["hidden"], x)
    found, final = net["hidden"](x)
    exact, final_exact = copy.deepcopy(net["hidden"]).double()(x.double())
    assert not torch.equal(found.double(), exact)
    assert_apart(found, exact, outputs)
    for part, part_exact, allowed in zip(final, final_exact, state, strict=True):
        assert_apart(part, part_exact, allowed)
    assert outputs.max() < 1e-3 * exact.abs().max()
