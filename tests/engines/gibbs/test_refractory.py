"""Compiled neural sampling: the same states as the model's updates, from the same numbers; Gibbs sampling as a special case."""

import math

import numpy as np
import pytest
import torch

from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.models.energy.boltzmann import Boltzmann
from tests.models.test_refractory_boltzmann import machine, sampler

SEED = np.uint64(3)


def compiled(made: Boltzmann, tau: int, steps: int, first: int = 0, counters=None, visits=None):
    counters = np.zeros(made.size, np.int64) if counters is None else counters
    visits = np.zeros(2**made.size, np.int64) if visits is None else visits
    number = load_kernels("refractory").sample_refractory(
        made.weight.numpy(), made.bias.numpy(), 1 / made.temperature, tau, counters, visits, steps, SEED, first
    )
    return counters, visits, number


def by_the_model(made: Boltzmann, may_fire, steps: int):
    """The same steps by `redraw`, one neuron after another; only neurons that may fire take a number."""
    uniform, number = load_kernels("refractory").uniform, 0
    states, visits = torch.zeros(1, made.size, dtype=torch.float64), np.zeros(2**made.size, np.int64)
    for _ in range(steps):
        for k in range(made.size):
            draws = may_fire(float(states[0, k]))
            drawn = torch.tensor([[uniform(SEED, np.uint64(number)) if draws else math.nan]])
            number += draws
            states = made.redraw(states, slice(k, k + 1), drawn)
        visits[int("".join(str(int(on)) for on in states[0] > 0), 2)] += 1
    return states[0].numpy(), visits, number


@pytest.mark.parametrize(("units", "tau", "temperature"), [(1, 2, 1.0), (3, 4, 1.0), (5, 10, 0.5)])
def test_compiled_steps_are_those_of_the_model(units, tau, temperature):
    made = sampler(units, tau, temperature)
    counters, visits, number = compiled(made, tau, 60)
    expected = by_the_model(made, lambda counter: counter <= 1, 60)
    assert np.array_equal(counters, expected[0])
    assert np.array_equal(visits, expected[1])
    assert number == expected[2]
    assert visits.max() < 60


def test_with_a_refractory_period_of_one_step_it_is_gibbs_sampling():
    made = machine(4)
    counters, visits, number = compiled(made, 1, 50)
    expected = by_the_model(made, lambda state: True, 50)
    assert np.array_equal(counters, expected[0])
    assert np.array_equal(visits, expected[1])
    assert number == 200


def test_steps_go_on_where_others_ended():
    made = sampler(4, 5)
    counters, visits, number = compiled(made, 5, 70)
    half = compiled(made, 5, 30)
    again = compiled(made, 5, 40, half[2], half[0], half[1])
    assert np.array_equal(counters, again[0])
    assert np.array_equal(visits, again[1])
    assert number == again[2]
