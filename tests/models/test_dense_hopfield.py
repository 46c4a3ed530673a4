"""The dense associative memory by hand, and as the Hopfield network that it is with the power 2."""

import itertools

import torch

from neurorec.models.energy.dense_hopfield import DenseHopfield, DenseHopfieldCard
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard


def dense(memory: torch.Tensor, power) -> DenseHopfield:
    made = DenseHopfield(
        DenseHopfieldCard(name="dense_hopfield", max_sweeps=5, patterns=len(memory), power=power), memory.shape[1]
    )
    made.load_state_dict({"memory": memory})
    return made


def all_states(size: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([-1.0, 1.0], repeat=size)))


def test_two_units_by_hand():
    made = dense(torch.tensor([[1.0, 1.0]]), 3)
    assert made.energy(torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])).tolist() == [-8.0, 0.0, 8.0]
    assert made.update(torch.tensor([[1.0, -1.0]]), 1, torch.Generator()).tolist() == [[1.0, 1.0]]
    steep = dense(torch.tensor([[1.0, 1.0]]), "exponential")
    assert steep.energy(torch.tensor([[1.0, 1.0]])).tolist() == [-1.0]
    assert made.parameter_count == 2


def test_an_update_takes_the_state_of_lower_energy():
    memory = 2.0 * torch.randint(2, (3, 6), generator=torch.Generator().manual_seed(0)) - 1
    for power in (2, 3, 5):
        made = dense(memory, power)
        for unit in range(6):
            states, flipped = all_states(6), all_states(6)
            flipped[:, unit] *= -1
            better = (made.energy(flipped) < made.energy(states))[:, None]
            assert torch.equal(made.update(states, unit, torch.Generator()), torch.where(better, flipped, states))


def test_the_power_2_is_the_hopfield_network_with_hebbian_weights():
    memory = 2.0 * torch.randint(2, (3, 7), generator=torch.Generator().manual_seed(1)) - 1
    made, classical = dense(memory, 2), Hopfield(EnergyModelCard(name="hopfield", max_sweeps=5), 7)
    weight = memory.T @ memory
    classical.load_state_dict({"weight": weight.fill_diagonal_(0)})
    states = all_states(7)
    for unit in range(7):
        assert torch.equal(
            made.update(states, unit, torch.Generator()), classical.update(states, unit, torch.Generator())
        )
    shift = made.energy(states) - 2 * classical.energy(states).double()
    assert (shift == -7 * 3).all()  # the weights of units to themselves


def test_a_sweep_is_counted_as_a_walk_over_units_and_memories():
    made = dense(torch.ones(3, 4), 3)
    elementwise = 0
    for _unit in range(4):
        for _memory in range(3):
            elementwise += 1 + 1 + 1  # the overlap without the unit, plus and minus the pattern's value
            elementwise += 2 * 2  # two cubes
            elementwise += 1 + 1  # their difference, and its sum
        elementwise += 1  # the sign
    assert made.operations().elementwise == elementwise
    assert made.operations().nonlinearities == 0
    assert dense(torch.ones(3, 4), "exponential").operations().nonlinearities == 2 * 3 * 4
    assert made.operations().recurrent_fan_out.tolist() == [3] * 4
