"""Annealed importance sampling against enumeration: within its own standard error."""

import copy
import math

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.relaxation import Relaxation
from neurorec.models.energy.annealing import AnnealingCard, annealed_log_partition
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard
from neurorec.models.energy.sampling import SamplingModel
from neurorec.tasks.batch import Batch
from neurorec.tasks.objectives.log_likelihood import ERROR, LogLikelihood
from tests.models.test_restricted_boltzmann import machine

CARD = AnnealingCard(chains=200, steps=60)


def all_to_all(temperature: float) -> Boltzmann:
    card = BoltzmannCard(name="boltzmann", max_sweeps=3, temperature=temperature, initial_spread=1.0, hidden=3)
    made = Boltzmann(card, 5)
    made.reset_parameters(torch.Generator().manual_seed(0))
    made.bias.copy_(torch.randn(8, generator=torch.Generator().manual_seed(1)))
    return made.double()


MODELS = {
    "restricted": machine(10, 8, 1.0),
    "restricted, cold": machine(9, 7, 0.6),
    "digits": machine(64, 14, spread=0.3),
    "all to all": all_to_all(1.0),
    "all to all, hot": all_to_all(1.7),
}


@pytest.mark.parametrize("name", MODELS)
def test_estimates_are_exact_within_their_standard_error(name):
    """Over 12 seeds: every one within 4.5 standard errors, and the errors are neither overrated nor underrated."""
    made = MODELS[name]
    exact, off = made.log_partition(), []
    for seed in range(12):
        found = annealed_log_partition(made.annealed(), CARD, torch.Generator().manual_seed(seed))
        assert 0 < found.standard_error < 0.1
        off.append((found.value - exact) / found.standard_error)
    assert max(map(abs, off)) < 4.5
    assert (
        0.4 < math.sqrt(sum(z * z for z in off) / 12) < 1.9
    )  # 12 normal numbers, 3.5 standard deviations of this root


def test_what_can_be_enumerated_is_not_estimated():
    for made in MODELS.values():
        made = copy.copy(made)
        made.card = made.card.model_copy(update={"annealing": CARD})
        assert made.partition(torch.Generator()).standard_error == 0
        assert made.partition(torch.Generator()).value == made.log_partition()


def too_large(**annealing: int) -> SamplingModel:
    made = machine(26, 22, spread=0.2)
    made.card = made.card.model_copy(update={"annealing": AnnealingCard(**annealing) if annealing else None})
    return made


def test_what_is_too_large_is_estimated_if_its_card_says_how():
    with pytest.raises(InputError, match="the states of 22 hidden units are too many to enumerate"):
        too_large().partition(torch.Generator())
    found = too_large(chains=20, steps=10).partition(torch.Generator().manual_seed(1))
    assert found.standard_error > 0
    card = BoltzmannCard(
        name="boltzmann",
        max_sweeps=1,
        temperature=1.0,
        initial_spread=0.1,
        hidden=22,
        annealing={"chains": 9, "steps": 9},
    )
    free = Boltzmann(card, 3)  # all weights 0: 2^25 states
    found = free.partition(torch.Generator().manual_seed(0))
    assert abs(found.value - 25 * math.log(2)) < 4.5 * found.standard_error


def test_scores_give_the_standard_error_of_what_is_estimated():
    made, patterns = too_large(chains=50, steps=20), torch.ones(1, 3, 26, dtype=torch.float64)
    batch = Batch(patterns, torch.full((3, 1), math.nan), torch.ones(1, dtype=torch.bool))
    y = Relaxation(4).answers(made, batch, LogLikelihood())
    found = made.partition(torch.Generator().manual_seed(4))
    torch.testing.assert_close(y[:, 0], made.log_weight(patterns[0]) - found.value)
    assert LogLikelihood().scores(y, batch) == {
        "log-likelihood": pytest.approx(float(y[0, 0])), ERROR: pytest.approx(found.standard_error)
    }  # fmt: skip
    assert float(LogLikelihood().loss(y, batch)) == pytest.approx(-float(y[0, 0]))
    assert LogLikelihood().sense(ERROR) == ("nats/sample", False)


@pytest.mark.slow
def test_twenty_hidden_units_are_estimated_within_a_nat():
    made = machine(64, 20, spread=0.4)
    found = annealed_log_partition(made, AnnealingCard(chains=100, steps=1000), torch.Generator().manual_seed(0))
    assert abs(found.value - made.log_partition()) < min(1.0, 4.5 * found.standard_error)
