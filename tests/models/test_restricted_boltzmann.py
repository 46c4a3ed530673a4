"""The restricted Boltzmann machine against enumeration: conditionals, densities, the stationary distribution; its costs."""

import math

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.energy.sampling import every_state
from neurorec.tasks.batch import Batch


def machine(
    visible: int, hidden: int, temperature: float = 1.0, seed: int = 0, spread: float = 1.0
) -> RestrictedBoltzmann:
    card = RestrictedBoltzmannCard(
        name="restricted_boltzmann", max_sweeps=3, temperature=temperature, initial_spread=spread, hidden=hidden
    )
    made, generator = RestrictedBoltzmann(card, visible), torch.Generator().manual_seed(seed)
    made.load_state_dict({
        key: spread * torch.randn(value.shape, generator=generator) for key, value in made.state_dict().items()
    })  # fmt: skip
    return made.double()


def marginal(made: RestrictedBoltzmann) -> tuple[torch.Tensor, torch.Tensor]:
    """Every visible state, and its probability by the sum over all states of all units."""
    states, chances = made.all_states().double(), made.probabilities(made.temperature)
    visible, number = states[:, : made.visible].unique(dim=0, return_inverse=True)
    return visible, torch.zeros(len(visible), dtype=torch.float64).index_add_(0, number, chances)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("visible", "hidden"), [(5, 3), (3, 5), (4, 4), (1, 1)])
def test_densities_are_those_of_all_states(visible, hidden, temperature):
    made = machine(visible, hidden, temperature)
    patterns, chances = marginal(made)
    torch.testing.assert_close(made.log_probability(patterns), chances.log())
    inherited = super(RestrictedBoltzmann, made)
    torch.testing.assert_close(inherited.log_weight(patterns), made.log_weight(patterns))
    assert inherited.log_partition() == pytest.approx(made.log_partition(), rel=1e-12)


def test_conditionals_are_those_of_the_energy():
    """p(s_i = 1 | others) = 1 / (1 + exp((E(s_i = 1) - E(s_i = 0)) / T)): the sign that the lecture's energy contradicts."""
    made = machine(3, 2, temperature=0.7)
    states = made.all_states().double()
    for unit in range(5):
        on, off = states.clone(), states.clone()
        on[:, unit], off[:, unit] = 1, 0
        chance = 1 / (1 + torch.exp((made.energy(on) - made.energy(off)) / 0.7))
        below = made.redraw(states, slice(unit, unit + 1), (chance - 1e-9)[:, None])
        above = made.redraw(states, slice(unit, unit + 1), (chance + 1e-9)[:, None])
        assert below[:, unit].all()
        assert not above[:, unit].any()


def test_a_sweep_leaves_the_distribution_as_it_is():
    """The transition matrix of a sweep, written out from the conditionals, has the Boltzmann distribution as a fixed point."""
    made = machine(3, 2, temperature=0.8)
    states, chances = made.all_states().double(), made.probabilities(0.8)
    for group in made.groups():
        p = torch.sigmoid(made.field(states, group) / 0.8)
        moves = torch.ones(len(states), len(states), dtype=torch.float64)
        for k, unit in enumerate(range(*group.indices(5))):
            moves *= torch.where(states[None, :, unit] == 1, p[:, None, k], 1 - p[:, None, k])
        rest = [unit for unit in range(5) if unit not in range(*group.indices(5))]
        moves *= (states[:, None, rest] == states[None, :, rest]).all(2)
        torch.testing.assert_close(chances @ moves, chances)


def test_chains_visit_states_as_often_as_they_are_probable():
    made, generator = machine(3, 2, temperature=1.0), torch.Generator().manual_seed(0)
    chains = torch.zeros(20_000, 5, dtype=torch.float64)
    for _ in range(30):
        chains = made.sweep(chains, generator)
    patterns, chances = marginal(made)
    seen = (chains[:, None, :3] == patterns).all(2).double().mean(0)
    allowed = 6 * (chances * (1 - chances) / len(chains)).sqrt()
    assert ((seen - chances).abs() < allowed).all()


def test_every_state_is_enumerated_once():
    parts = list(every_state(15, (-1.0, 1.0)))
    assert len(parts) == 2
    states = torch.cat(parts)
    assert len(states.unique(dim=0)) == len(states) == 2**15
    assert [part.shape for part in every_state(0, (0.0, 1.0))] == [(1, 0)]


def test_what_is_too_large_is_not_enumerated():
    with pytest.raises(InputError) as caught:
        machine(30, 25).log_partition()
    assert str(caught.value) == (
        "restricted Boltzmann machine: the states of 25 hidden units are too many to enumerate (at most 20); use a "
        "smaller model"
    )


def test_an_input_sets_the_visible_units_only():
    made = machine(3, 2)
    x = torch.tensor([[[1.0, 0.0, 1.0]]])
    assert made.start(x).tolist() == [[1, 0, 1, 0, 0]]
    with pytest.raises(InputError) as caught:
        made.start(torch.ones(1, 1, 5))
    assert (
        str(caught.value) == "restricted Boltzmann machine: an input must set each of 3 units to 0 or 1 (got 5 lines)"
    )


def test_drawing_a_sample_is_counted_as_a_walk_over_its_synapses():
    made = machine(4, 3)
    batch = Batch(torch.ones(1, 5, 4), None, torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(0).observe(made, batch, None)
    found = count_work(trained_work(made, activity)).layers[UNITS]
    macs = sigmoids = elementwise = updates = 0
    for _sample, _sweep in ((n, k) for n in range(5) for k in range(3)):
        for _unit, others in [*((j, 4) for j in range(3)), *((i, 3) for i in range(4))]:
            macs += others
            sigmoids += 1
            updates += 1
            elementwise += 1 + 1 + 1  # bias, random number, comparison
    assert (found.macs, found.nonlinearities, found.neuron_updates) == (macs, sigmoids, updates)
    assert found.elementwise == elementwise
    assert made.parameter_count == 4 * 3 + 4 + 3


def test_a_sampling_model_runs_all_its_sweeps():
    seen = machine(4, 3).relax(torch.zeros(6, 7, dtype=torch.float64), torch.Generator().manual_seed(0))
    assert seen.sweeps.tolist() == [3] * 6
    assert not seen.settled.any()


def test_without_weights_every_pattern_is_equally_probable():
    made = machine(6, 2)
    made.load_state_dict({key: torch.zeros_like(value) for key, value in made.state_dict().items()})
    assert made.log_probability(torch.zeros(1, 6)).item() == pytest.approx(-6 * math.log(2), rel=1e-12)
