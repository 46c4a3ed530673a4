"""Compiled block Gibbs chains: the same states as the model's sweeps, from the same numbers; seeds, threads, frequencies."""

import re

import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.gibbs.bipartite import BipartiteChains
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from tests.models.test_restricted_boltzmann import machine, marginal


def on_a_grid(visible: int, hidden: int, temperature: float = 1.0):
    """Weights that are multiples of 1/64, so that sums are exact in any order."""
    made = machine(visible, hidden, temperature)
    made.load_state_dict({key: (value * 64 * 0.3).round() / 64 for key, value in made.state_dict().items()})
    return made


def compiled(made) -> BipartiteChains:
    return BipartiteChains(made.weight.numpy(), made.visible_bias.numpy(), made.hidden_bias.numpy(), made.temperature)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize(("visible", "hidden", "chains"), [(5, 3, 1), (64, 70, 9), (131, 200, 70)])
def test_compiled_sweeps_are_those_of_the_model(visible, hidden, chains, temperature):
    made, random = on_a_grid(visible, hidden, temperature), np.random.default_rng(0)
    uniforms = random.random((3, chains, hidden + visible)).astype(np.float32)
    start = (random.random((chains, visible)) < 0.4).astype(np.float32)
    states = made.start(torch.from_numpy(start)[None].double())
    for sweep in torch.from_numpy(uniforms).double():
        first, second = made.groups()
        states = made.redraw(states, first, sweep[:, :hidden])
        states = made.redraw(states, second, sweep[:, hidden:])
    v, h = compiled(made).sweep(start, 3, uniforms=uniforms)
    assert np.array_equal(v, states[:, :visible].numpy())
    assert np.array_equal(h, states[:, visible:].numpy())


def test_results_depend_on_the_seed_but_not_on_threads_or_calls():
    chains, start = compiled(on_a_grid(40, 30)), np.zeros((150, 40), np.float32)
    v, h = chains.sweep(start, 6, seed=3)
    threaded = chains.sweep(start, 6, seed=3, threads=3)
    assert np.array_equal(v, threaded[0])
    assert np.array_equal(h, threaded[1])
    halfway, _ = chains.sweep(start, 4, seed=3)
    assert np.array_equal(v, chains.sweep(halfway, 2, seed=3, first_sweep=4)[0])
    assert np.array_equal(v[100:], chains.sweep(start[100:], 6, seed=3, first_chain=100)[0])
    assert not np.array_equal(v, chains.sweep(start, 6, seed=4)[0])


def test_chains_visit_states_as_often_as_they_are_probable():
    made = machine(4, 3)
    v, _ = compiled(made).sweep(np.zeros((40_000, 4)), 30, seed=1)
    patterns, chances = (part.numpy() for part in marginal(made))
    seen = (v[:, None] == patterns).all(2).mean(0)
    assert (np.abs(seen - chances) < 6 * np.sqrt(chances * (1 - chances) / len(v))).all()


def test_drawn_numbers_are_uniform_and_uncorrelated():
    """Of neighbouring units, chains and sweeps, by the units of a machine without weights."""
    free = BipartiteChains(np.zeros((64, 8)), np.zeros(64), np.zeros(8))
    sweeps = np.stack([free.sweep(np.zeros((500, 64)), 1, seed=5, first_sweep=t)[0] for t in range(20)])
    centred = sweeps - 0.5
    allowed = 6 * 0.25 / sweeps.size**0.5
    assert abs(centred.mean()) < 2 * allowed
    for other in (np.roll(centred, 1, 0), np.roll(centred, 1, 1), np.roll(centred, 1, 2), np.roll(centred, 32, 2)):
        assert abs((centred * other).mean()) < allowed


def test_the_exponential_is_accurate():
    exp = load_kernels("gibbs_kernels").exp
    x = np.linspace(-80, 80, 4001).astype(np.float32)
    found = np.array([exp(one) for one in x], dtype=np.float64)
    assert (np.abs(found / np.exp(x.astype(np.float64)) - 1) < 4 * 2.0**-23).all()


def test_what_is_not_a_state_is_refused():
    chains = compiled(on_a_grid(4, 3))
    with pytest.raises(InputError, match=re.escape("start from visible states of 0 and 1, [B, 4] (got [2, 5])")):
        chains.sweep(np.zeros((2, 5)), 1)
    with pytest.raises(InputError, match=re.escape("start from visible states of 0 and 1, [B, 4] (got [2, 4])")):
        chains.sweep(np.full((2, 4), 0.5), 1)
    with pytest.raises(InputError, match=re.escape("uniforms must be [sweeps, B, H + V] = [1, 2, 7] (got [1, 2, 4])")):
        chains.sweep(np.zeros((2, 4)), 1, uniforms=np.zeros((1, 2, 4)))
