"""The Boltzmann machine against enumeration, and Boltzmann learning against the gradient of the exact likelihood."""

import math

import pytest
import torch

from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.learning.boltzmann_learning import BoltzmannLearning
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import load_task
from neurorec.training import train

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 20, "learning_rate": 1.0, "learning_rate_decay": 1.0, "sweeps": 40,
    "chains": 20_000, "clamped_sweeps": 20,
}  # fmt: skip


def machine(visible: int, hidden: int, temperature: float = 1.0) -> Boltzmann:
    card = BoltzmannCard(name="boltzmann", max_sweeps=3, temperature=temperature, initial_spread=0.7, hidden=hidden)
    made = Boltzmann(card, visible)
    made.reset_parameters(torch.Generator().manual_seed(0))
    made.bias.copy_(torch.randn(made.size, generator=torch.Generator().manual_seed(1)))
    return made.double()


@pytest.mark.parametrize(("visible", "hidden"), [(4, 0), (3, 2), (2, 4)])
def test_densities_are_those_of_all_states(visible, hidden):
    made = machine(visible, hidden, 0.8)
    states, chances = made.all_states().double(), made.probabilities(0.8)
    patterns, number = states[:, :visible].unique(dim=0, return_inverse=True)
    by_hand = torch.zeros(len(patterns), dtype=torch.float64).index_add_(0, number, chances)
    torch.testing.assert_close(made.log_probability(patterns), by_hand.log())


def test_a_sweep_leaves_the_distribution_as_it_is():
    made = machine(2, 2)
    states, chances = made.all_states().double(), made.probabilities(1.0)
    for group in made.groups():
        unit = group.start
        p = torch.sigmoid(made.field(states, group))[:, 0]
        rest = [other for other in range(4) if other != unit]
        moves = torch.where(states[None, :, unit] == 1, p[:, None], 1 - p[:, None])
        moves = moves * (states[:, None, rest] == states[None, :, rest]).all(2)
        torch.testing.assert_close(chances @ moves, chances)


@pytest.mark.parametrize(("hidden", "temperature"), [(0, 1.0), (2, 1.0), (2, 0.7)])
def test_long_phases_give_the_gradient_of_the_likelihood(hidden, temperature):
    made = machine(3, hidden, temperature)
    patterns = (torch.rand(20_000, 3, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    weight, bias = made.weight.clone(), made.bias.clone()
    made.weight.requires_grad_(True)
    made.bias.requires_grad_(True)
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).double()
    log_p = made.log_weight(patterns) - torch.logsumexp(made.log_weight(every), 0)
    by_weight, by_bias = torch.autograd.grad(log_p.mean(), [made.weight, made.bias])
    made.weight.requires_grad_(False)
    made.bias.requires_grad_(False)
    by_weight = (by_weight + by_weight.T).fill_diagonal_(0)  # w_ij and w_ji are one weight
    method = BoltzmannLearning(BoltzmannLearning.Card(**SETTINGS))
    state = method.init(made, None, None, torch.Generator().manual_seed(2))
    _, info = method.step(made, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
    allowed = 6 * (2 * 0.25 / 20_000) ** 0.5 / temperature  # two means of 20,000 numbers of 0 or 1
    assert ((made.weight - weight - by_weight).abs() < allowed).all()
    assert ((made.bias - bias - by_bias).abs() < allowed).all()
    assert by_bias.abs().max() > 2 * allowed
    assert info.updates == 20_000 * (40 * made.size + 20 * hidden)
    assert torch.equal(made.weight, made.weight.T)
    assert not made.weight.diagonal().any()


def test_weights_between_three_bits_cannot_represent_their_parity():
    """The best of all such machines is the uniform distribution: ln 2 nats below the truth."""
    made, task = machine(3, 0).float(), load_task("parity3", 0)
    settings = {
        **SETTINGS,
        "epochs": 60,
        "learning_rate": 0.3,
        "learning_rate_decay": 0.995,
        "sweeps": 2,
        "chains": 500,
    }
    del settings["rule"], settings["task"]
    seen = train(made, task, "boltzmann_learning", settings=settings, device="cpu")
    below = seen.extra_scores["nats below the true distribution"]["test"]
    assert math.log(2) - 1e-6 < below < math.log(2) + 0.02


def test_learning_is_counted_as_a_walk_over_its_synapses():
    made, samples, chains, sweeps, clamped = machine(3, 2), 4, 9, 5, 6
    walked = dict.fromkeys(("macs", "nonlinearities", "neuron_updates", "plasticity_updates"), 0)
    for units in [[3, 4] * clamped] * samples + [[*range(5)] * sweeps] * chains:
        for _unit in units:
            walked["macs"] += 4
            walked["nonlinearities"] += 1
            walked["neuron_updates"] += 1
        walked["plasticity_updates"] += 5 * 4 // 2 + 5
    forward = ForwardPass(LayerCounts(), 4, 2, 8, 4, 0)
    redrawn = samples * clamped * 2 + chains * sweeps * 5
    update = BoltzmannLearning.count_training(made, forward, samples, redrawn, chains).update
    assert {name: getattr(update, name) for name in walked} == walked
