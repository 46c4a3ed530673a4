"""The deep Boltzmann machine against enumeration: densities, sweeps, mean field, log Z; its costs."""

import pytest
import torch

from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.energy.annealing import AnnealingCard
from neurorec.models.energy.deep_boltzmann import DeepBoltzmann, DeepBoltzmannCard
from neurorec.tasks.batch import Batch

SIZES = pytest.mark.parametrize("hidden", [[3, 2], [2, 4], [2, 3, 2]])


def machine(
    visible: int, hidden: list[int], temperature: float = 1.0, sweeps: int = 30, seed: int = 0
) -> DeepBoltzmann:
    card = DeepBoltzmannCard(
        name="deep_boltzmann",
        max_sweeps=3,
        temperature=temperature,
        initial_spread=1.0,
        hidden=hidden,
        mean_field_sweeps=sweeps,
    )  # fmt: skip
    made, generator = DeepBoltzmann(card, visible), torch.Generator().manual_seed(seed)
    made.load_state_dict(
        {key: torch.randn(value.shape, generator=generator) for key, value in made.state_dict().items()}
    )
    return made.double()


def marginal(made: DeepBoltzmann) -> tuple[torch.Tensor, torch.Tensor]:
    """Every visible state, and its probability by the sum over all states of all units."""
    states, chances = made.all_states().double(), made.probabilities(made.temperature)
    visible, number = states[:, : made.visible].unique(dim=0, return_inverse=True)
    return visible, torch.zeros(len(visible), dtype=torch.float64).index_add_(0, number, chances)


@SIZES
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_densities_are_those_of_all_states(hidden, temperature, monkeypatch):
    monkeypatch.setattr("neurorec.models.energy.deep_boltzmann.AT_ONCE", 40)  # in several parts
    made = machine(4, hidden, temperature)
    patterns, chances = marginal(made)
    torch.testing.assert_close(made.log_probability(patterns), chances.log())


@SIZES
def test_the_sides_of_the_machine_are_those_of_a_restricted_one(hidden):
    made = machine(4, hidden, 0.8)
    assert made.enumerable
    energies = made.energy(made.all_states().double()).double()
    assert made.log_partition() == pytest.approx(float(torch.logsumexp(-energies / 0.8, 0)), rel=1e-12)
    large = machine(30, [25, 3])
    assert not large.enumerable
    large.card = large.card.model_copy(update={"annealing": AnnealingCard(chains=20, steps=20)})
    assert large.partition(torch.Generator().manual_seed(0)).standard_error > 0


@SIZES
def test_the_bound_of_mean_field_is_below_the_log_likelihood(hidden):
    for seed in range(5):
        made = machine(4, hidden, 0.9, seed=seed)
        patterns, chances = marginal(made)
        bound = made.lower_bound(patterns) - made.log_partition()
        assert (bound < chances.log()).all()
        assert (bound > chances.log() - 1.5).all()


def test_more_sweeps_of_mean_field_never_lower_the_bound():
    patterns, before = marginal(machine(4, [3, 2]))[0], None
    for sweeps in (1, 2, 3, 5, 10, 40):
        bound = machine(4, [3, 2], sweeps=sweeps).lower_bound(patterns)
        assert before is None or (bound >= before - 1e-12).all()
        before = bound


def test_mean_field_is_exact_where_hidden_units_do_not_act_on_each_other():
    made = machine(4, [3, 2])
    made.weights[1].zero_()
    patterns, _ = marginal(made)
    torch.testing.assert_close(made.lower_bound(patterns), made.log_weight(patterns))


def test_a_sweep_leaves_the_distribution_as_it_is():
    made = machine(2, [2, 2], temperature=0.8)
    states, chances = made.all_states().double(), made.probabilities(0.8)
    for group in made.groups():
        p = torch.sigmoid(made.field(states, group) / 0.8)
        moves = torch.ones(len(states), len(states), dtype=torch.float64)
        for k, unit in enumerate(range(*group.indices(6))):
            moves *= torch.where(states[None, :, unit] == 1, p[:, None, k], 1 - p[:, None, k])
        rest = [unit for unit in range(6) if unit not in range(*group.indices(6))]
        moves *= (states[:, None, rest] == states[None, :, rest]).all(2)
        torch.testing.assert_close(chances @ moves, chances)


def test_units_of_two_layers_are_no_group():
    with pytest.raises(ValueError, match="deep Boltzmann machine: units 3 to 5 are not all of one layer"):
        machine(4, [3, 2]).field(torch.zeros(1, 9, dtype=torch.float64), slice(3, 6))


def test_drawing_a_sample_is_counted_as_a_walk_over_its_synapses():
    made, sizes = machine(4, [3, 2]), [4, 3, 2]
    batch = Batch(torch.ones(1, 5, 4), None, torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(0).observe(made, batch, None)
    found = count_work(trained_work(made, activity)).layers[UNITS]
    walked = dict.fromkeys(("macs", "nonlinearities", "neuron_updates", "elementwise"), 0)
    for _sample, _sweep in ((n, k) for n in range(5) for k in range(3)):
        for layer, size in enumerate(sizes):
            for _unit in range(size):
                walked["macs"] += sum(sizes[other] for other in (layer - 1, layer + 1) if 0 <= other < 3)
                walked["nonlinearities"] += 1
                walked["neuron_updates"] += 1
                walked["elementwise"] += 1 + 1 + 1  # bias, random number, comparison
    assert {name: getattr(found, name) for name in walked} == walked
    assert made.parameter_count == 4 * 3 + 3 * 2 + 4 + 3 + 2
