"""The Ising model: its lattice, detailed balance, compiled sweeps, exact enumeration and what is known of infinite lattices."""

import math

import numpy as np
import pytest
import torch

from neurorec.analysis.analysis import analyse
from neurorec.analysis.ising_exact import T_CRITICAL, internal_energy, spontaneous_magnetisation
from neurorec.analysis.ising_lattice import IsingLatticeSettings, chain, chances_up
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.models.energy.ising import Ising, IsingCard

DYNAMICS = ["metropolis", "glauber"]
both = pytest.mark.parametrize("dynamics", DYNAMICS)


def ising(size: int, temperature: float = 2.0, dynamics="metropolis") -> Ising:
    return Ising(IsingCard(name="ising", max_sweeps=9, temperature=temperature, dynamics=dynamics), size)


def test_the_lattice_is_as_square_as_it_can_be():
    assert [(ising(n).rows, ising(n).columns) for n in (5, 12, 16, 36)] == [(1, 5), (3, 4), (4, 4), (6, 6)]
    assert sorted(ising(16).neighbours(0)) == [1, 3, 4, 12]
    assert sorted(ising(4).neighbours(0)) == [1, 1, 2, 2]
    assert sorted(ising(5).neighbours(0)) == [1, 4]


@pytest.mark.parametrize("size", [4, 5, 12, 16])
def test_the_energy_is_the_sum_over_bonds(size):
    made = ising(size)
    states = 2.0 * torch.randint(2, (20, size), generator=torch.Generator().manual_seed(0)) - 1
    for state, energy in zip(states.tolist(), made.energy(states).tolist(), strict=True):
        assert energy == -sum(state[i] * state[j] for i in range(size) for j in made.neighbours(i)) / 2


@both
def test_every_update_keeps_the_boltzmann_distribution(dynamics):
    """Detailed balance: p(s) P(s -> s') = p(s') P(s' -> s), for all states and units of 2 x 3 spins."""
    made = ising(6, 1.7, dynamics)
    states, p = made.all_states(), made.probabilities(1.7)
    for unit in range(6):
        field = states[:, made.neighbours(unit)].sum(1)
        up = made.chance_up(states[:, unit], field)
        other = states.clone()
        other[:, unit] *= -1
        partner = (states[None] == other[:, None]).all(2).double().argmax(1)
        turns = torch.where(states[:, unit] > 0, 1 - up, up)
        torch.testing.assert_close(p * turns, (p * turns)[partner], rtol=1e-12, atol=0)


def test_probabilities_of_turning_by_hand():
    up = chances_up(2.0, "metropolis")
    assert up[0].tolist() == pytest.approx([math.exp(-4), math.exp(-2), 1, 1, 1], rel=1e-14)
    assert up[1].tolist() == pytest.approx([0, 0, 0, 1 - math.exp(-2), 1 - math.exp(-4)], rel=1e-14)
    assert chances_up(2.0, "glauber")[0].tolist() == pytest.approx([1 / (1 + math.exp(-h)) for h in (-4, -2, 0, 2, 4)])


@both
def test_compiled_sweeps_are_the_updates_of_the_model(dynamics):
    lattice, made, seed = load_kernels("lattice"), ising(20, 2.3, dynamics), np.uint64(7)
    start = 2 * torch.randint(2, (1, 20), generator=torch.Generator().manual_seed(0)) - 1
    states, energies, sums = start.double(), np.zeros(6, np.int64), np.zeros(6, np.int64)
    spins = start.reshape(4, 5).to(torch.int8).numpy()
    after = lattice.sweep_lattice(spins, chances_up(2.3, dynamics), seed, 3, energies, sums)
    assert after == 3 + 6 * 20
    number = 3
    for t in range(6):
        for unit in range(20):
            uniform = lattice.uniform(seed, np.uint64(number))
            states = made.turned(states, unit, torch.tensor([uniform], dtype=torch.float64))
            number += 1
        assert (float(made.energy(states)), float(states.sum())) == (energies[t], sums[t])
    assert torch.equal(states.reshape(4, 5).to(torch.int8), torch.from_numpy(spins))


def test_random_numbers_are_uniform_and_differ_between_streams():
    lattice = load_kernels("lattice")
    drawn = np.array([[lattice.uniform(np.uint64(s), np.uint64(n)) for n in range(2000)] for s in (0, 1)])
    assert 0 <= drawn.min() < drawn.max() < 1
    assert np.abs(drawn.mean(1) - 0.5).max() < 5 / math.sqrt(12 * 2000)
    assert abs(np.corrcoef(drawn)[0, 1]) < 5 / math.sqrt(2000)


@both
def test_chains_have_the_exact_means_of_four_by_four_spins(dynamics):
    """Within five standard errors, from 50 parts of the chain, which are nearly independent."""
    T = 2.5
    made = ising(16, T, dynamics)
    states, p = made.all_states(), made.probabilities(T)
    settings = IsingLatticeSettings(side=4, temperatures=[T], dynamics=dynamics, before=1000, sweeps=200_000)
    energies, sums, _ = chain(settings, T, 0)
    for seen, exact in (
        (energies, float((p * made.energy(states)).sum())),
        (np.abs(sums), float((p * states.sum(1).abs()).sum())),
        (sums, 0.0),
    ):
        parts = seen.reshape(50, -1).mean(1)
        assert abs(parts.mean() - exact) < 5 * parts.std(ddof=1) / math.sqrt(50)


def test_what_is_known_of_infinite_lattices():
    assert abs(T_CRITICAL - 2.269185) < 1e-6
    assert internal_energy(T_CRITICAL) == pytest.approx(-math.sqrt(2), abs=1e-6)
    assert internal_energy(T_CRITICAL * (1 + 1e-9)) == pytest.approx(-math.sqrt(2), abs=1e-6)
    assert internal_energy(0.3) == pytest.approx(-2, abs=1e-5)
    for hot in (20.0, 50.0):  # tanh K to leading orders: u = -2 tanh K (1 + ...)
        assert internal_energy(hot) == pytest.approx(-2 / hot, rel=2 / hot**2 * 2)
    assert spontaneous_magnetisation(1.0) == pytest.approx(1 - 2 * math.exp(-8), rel=1e-4)  # the first spin that turns
    assert spontaneous_magnetisation(2.4) == 0


def test_large_lattices_order_when_cold_and_not_when_hot():
    settings = {"side": 24, "temperatures": [1.5, 5.0], "dynamics": "metropolis", "before": 200, "sweeps": 2000}
    found = analyse("ising_lattice", settings)
    assert found.values["error of the energy"] < 0.02
    assert found.values["error of the magnetisation"] < 0.01
    assert found.values["magnetisation at the highest temperature"] < 0.1
    assert [figure.kind for figure in found.figures] == ["curves", "curves", "picture", "picture"]


@both
def test_an_update_is_counted_as_its_operations(dynamics):
    declared = ising(12, dynamics=dynamics).operations()
    assert declared.recurrent_fan_out.tolist() == [4] * 12
    assert declared.elementwise == 12 * (2 + (dynamics == "metropolis"))
    assert declared.nonlinearities == 12
