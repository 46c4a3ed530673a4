"""What every registered energy model keeps; and the Hopfield network by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModel, EnergyModelCard, energy_models
from tests.nets import energy_model

every_model = pytest.mark.parametrize("name", list(energy_models))


def model(name: str, size: int, seed: int = 0) -> EnergyModel:
    """A model with weights that are multiples of 1/8, so that energies are exact."""
    made = energy_model(name, size)
    made.load_state_dict({
        key: symmetric(value.shape, seed) if value.dim() == 2 and len(set(value.shape)) == 1 else grid(value.shape, seed)
        for key, value in made.state_dict().items()
    })  # fmt: skip
    return made


def grid(shape, seed: int) -> torch.Tensor:
    return torch.randint(-8, 9, tuple(shape), generator=torch.Generator().manual_seed(seed)) / 8


def symmetric(shape, seed: int) -> torch.Tensor:
    upper = grid(shape, seed).triu(1)
    return upper + upper.T


def random_states(made: EnergyModel, count: int, seed: int = 0) -> torch.Tensor:
    levels = torch.tensor(made.levels())
    return levels[torch.randint(len(levels), (count, made.size), generator=torch.Generator().manual_seed(seed))]


@every_model
def test_updates_stay_among_the_levels_and_change_one_unit(name):
    made, generator = model(name, 6), torch.Generator().manual_seed(0)
    before = random_states(made, 10)
    kept = before.clone()
    after = made.update(before, 2, generator)
    assert torch.equal(before, kept)  # states are values, not places
    assert set(after.unique().tolist()) <= set(made.levels())
    others = [unit for unit in range(made.size) if unit != 2]
    assert torch.equal(after[:, others], before[:, others])
    assert made.energy(after).shape == (10,)


@every_model
def test_samples_of_a_batch_do_not_touch(name):
    made = model(name, 6)
    states = random_states(made, 5)
    alone = [made.sweep(one[None], torch.Generator().manual_seed(3))[0] for one in states]
    if made.descends:  # else the generator's numbers are shared out among the samples
        assert torch.equal(made.sweep(states, torch.Generator().manual_seed(3)), torch.stack(alone))


@every_model
def test_enumeration_is_complete_and_the_lowest_energy_is_the_most_probable(name):
    made = model(name, 7)
    states, chances = made.all_states(), made.probabilities(temperature=0.5)
    assert len(states) == len(made.levels()) ** made.size == len(states.unique(dim=0))
    assert float(chances.sum()) == pytest.approx(1, abs=1e-12)
    energies = made.energy(states)
    assert float(energies[chances.argmax()]) == float(energies.min())
    by_hand = torch.exp(-energies.double() / 0.5)
    assert torch.allclose(chances, by_hand / by_hand.sum(), rtol=1e-12)


def test_too_many_states_are_not_enumerated():
    with pytest.raises(InputError) as caught:
        model("hopfield", 17).all_states()
    assert str(caught.value) == (
        "Hopfield network: 17 units have 2^17 states, more than 65,536 can be enumerated; use a smaller model"
    )


@every_model
def test_declared_operations_have_the_shape_of_the_model(name):
    made = model(name, 7)
    declared = made.operations()
    assert declared.input_fan_out.shape == declared.recurrent_fan_out.shape == (made.size,)
    assert declared.neuron_updates == made.size
    assert made.visible == 7


@every_model
def test_every_unit_is_in_one_group_whose_units_do_not_act_on_each_other(name):
    made = model(name, 6)
    states = random_states(made, 10)
    assert sorted(unit for group in made.groups() for unit in range(*group.indices(made.size))) == list(
        range(made.size)
    )
    for group in made.groups():
        field = made.field(states, group)
        assert torch.equal(
            field, EnergyModel.field(made, states, group)
        )  # by the energy, unit by unit; exact on the grid
        others = random_states(made, 10, seed=1)
        moved = states.clone()
        moved[:, group] = others[:, group]
        assert torch.equal(made.field(moved, group), field)


@every_model
def test_every_model_says_what_it_computes_and_where_it_comes_from(name):
    kind = energy_models[name]
    assert kind.title
    assert "E = " in kind.equations
    assert all(cite(key) for key in kind.sources)


DESCENDING = [name for name in energy_models if energy_models[name].descends]


@pytest.mark.parametrize("name", DESCENDING)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_single_update_raises_the_energy(name, data):
    """Hopfield 1982: with symmetric weights and none from a unit to itself, the change is -|field| where a unit turns."""
    size = data.draw(st.integers(2, 9))
    made = model(name, size, seed=data.draw(st.integers(0, 10**6)))
    states = random_states(made, 4, seed=data.draw(st.integers(0, 10**6)))
    for unit in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)):
        after = made.update(states, unit, torch.Generator())
        assert (made.energy(after) <= made.energy(states)).all()
        assert (made.energy(after) < made.energy(states))[(after != states).any(1)].all()
        states = after


@pytest.mark.parametrize("name", DESCENDING)
def test_relaxing_ends_in_a_state_that_no_update_changes(name):
    made = model(name, 12)
    seen = made.relax(random_states(made, 30), torch.Generator().manual_seed(1))
    assert seen.settled.all()
    for unit in range(12):
        assert torch.equal(made.update(seen.states, unit, torch.Generator()), seen.states)
    assert (seen.energies.diff(dim=0) <= 0).all()
    assert torch.equal(seen.energies[-1], made.energy(seen.states))
    assert len(seen.energies) == int(seen.sweeps.max()) + 1
    mixed = made.relax(torch.cat([seen.states[:1], random_states(made, 30)]), torch.Generator().manual_seed(1))
    assert int(mixed.sweeps[0]) == 1 < int(mixed.sweeps.max())  # what has settled sweeps no more


def test_relaxing_stops_where_it_must_and_says_that_it_has_not_settled():
    made = model("hopfield", 40)
    made.card = EnergyModelCard(name="hopfield", max_sweeps=1)
    seen = made.relax(random_states(made, 30), torch.Generator().manual_seed(1))
    assert seen.sweeps.tolist() == [1] * 30
    assert not seen.settled.all()


def test_two_units_by_hand():
    made = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=5), 2)
    made.load_state_dict({"weight": torch.tensor([[0.0, 2.0], [2.0, 0.0]])})
    states = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    assert made.energy(states).tolist() == [-2.0, 2.0]
    assert made.update(states, 1, torch.Generator()).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    made.load_state_dict({"weight": torch.zeros(2, 2)})
    assert torch.equal(made.update(states, 1, torch.Generator()), states)  # a field of 0 changes nothing
    assert made.parameter_count == 1
