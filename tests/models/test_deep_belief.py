"""The deep belief net against enumeration: densities, the greedy theorem, the lower bound, samples; its costs."""

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.learning.greedy_contrastive_divergence import turn_over
from neurorec.models.energy.deep_belief import DeepBelief, DeepBeliefCard
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.objectives.log_likelihood import LogLikelihood
from tests.models.test_deep_boltzmann import marginal

SIZES = pytest.mark.parametrize("hidden", [[3, 2], [2, 4], [2, 3, 2]])


def net(visible: int, hidden: list[int], temperature: float = 1.0, seed: int = 0, **changes) -> DeepBelief:
    values = {"name": "deep_belief", "max_sweeps": 3, "temperature": temperature, "initial_spread": 1.0, "top_sweeps": 4,
              "bound_samples": 20, "hidden": hidden}  # fmt: skip
    made, generator = DeepBelief(DeepBeliefCard(**values | changes), visible), torch.Generator().manual_seed(seed)
    made.load_state_dict(
        {key: torch.randn(value.shape, generator=generator) for key, value in made.state_dict().items()}
    )
    return made.double()


@SIZES
@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_densities_are_those_of_all_states(hidden, temperature):
    made = net(4, hidden, temperature)
    patterns, chances = marginal(made)
    torch.testing.assert_close(made.log_probability(patterns), chances.log())
    energies = made.energy(made.all_states().double())
    assert made.log_partition() == pytest.approx(float(torch.logsumexp(-energies / temperature, 0)), rel=1e-12)
    batch = Batch(patterns[None], None, torch.ones(1, dtype=torch.bool))
    torch.testing.assert_close(Relaxation(0).answers(made, batch, LogLikelihood())[:, 0], chances.log())
    assert not made.bounded


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_a_pair_upside_down_on_top_leaves_the_likelihood_of_a_restricted_machine(temperature):
    made = net(4, [3, 4], temperature)
    card = RestrictedBoltzmannCard(name="", max_sweeps=1, temperature=temperature, initial_spread=1.0, hidden=3)
    machine = RestrictedBoltzmann(card, 4).double()
    machine.load_state_dict({
        "weight": made.weights[0], "visible_bias": made.biases[0], "hidden_bias": made.biases[1],
    })  # fmt: skip
    patterns, _ = marginal(made)
    wanted = machine.log_probability(patterns)
    assert (made.log_probability(patterns) - wanted).abs().max() > 0.1
    with torch.no_grad():
        turn_over(made, 1)
        made.recognition[0].copy_(made.biases[1])
    torch.testing.assert_close(made.log_probability(patterns), wanted)
    bound = made.lower_bound(patterns, torch.Generator().manual_seed(0)) - made.log_partition()
    torch.testing.assert_close(bound, wanted)  # what is recognised has the exact distribution


@SIZES
def test_the_bound_is_below_the_log_likelihood_and_estimated_without_bias(hidden):
    """Its exact value, by all states that can be recognised; the estimate within six standard errors of it."""
    for seed in range(3):
        made = net(4, hidden, 0.9, seed=seed, bound_samples=400)
        patterns, chances = marginal(made)
        inner = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * sum(hidden[:-1]))
        pairs = patterns.repeat_interleave(len(inner), 0), inner.repeat(len(patterns), 1)
        parts = [pairs[0], *pairs[1].split(hidden[:-1], 1)]
        log_q = torch.zeros(len(pairs[0]), dtype=torch.float64)
        for below, above, weight, bias in zip(parts, parts[1:], made.weights, made.recognition, strict=False):
            p = torch.sigmoid((below @ weight + bias) / 0.9)
            log_q += torch.where(above == 1, p, 1 - p).log().sum(1)
        ratio, q = made.log_ratio(parts).reshape(len(patterns), -1), log_q.exp().reshape(len(patterns), -1)
        torch.testing.assert_close(q.sum(1), torch.ones(len(patterns)).double())
        torch.testing.assert_close((q * ratio.exp()).sum(1).log(), made.log_weight(patterns))
        bound = (q * ratio).sum(1)
        assert (bound - made.log_partition() < chances.log()).all()
        spread = ((q * ratio**2).sum(1) - bound**2).sqrt()
        found = made.lower_bound(patterns, torch.Generator().manual_seed(seed))
        assert ((found - bound).abs() < 6 * spread / 400**0.5).all()


def test_where_states_are_too_many_the_score_is_the_bound():
    made = net(4, [21, 2])
    batch = Batch(torch.ones(1, 3, 4, dtype=torch.float64), None, torch.ones(1, dtype=torch.bool))
    assert made.bounded
    with pytest.raises(InputError, match="deep belief net: the states of 21 hidden units are too many to enumerate"):
        made.log_weight(batch.x[0])
    generator = torch.Generator().manual_seed(5)
    wanted = made.lower_bound(batch.x[0], generator) - made.log_partition()
    torch.testing.assert_close(Relaxation(5).answers(made, batch, LogLikelihood())[:, 0], wanted)


@SIZES
def test_samples_have_the_distribution_of_all_states(hidden):
    chains, made = 20_000, net(3, hidden, 0.8, top_sweeps=60)
    with torch.no_grad():
        made.weights[-1].mul_(0.5)  # so that 60 sweeps forget the start
    found = made.sweep(torch.zeros(chains, made.size, dtype=torch.float64), torch.Generator().manual_seed(0))
    numbers = (found.long() * 2 ** torch.arange(made.size)).sum(1).bincount(minlength=2**made.size)
    states, chances = made.all_states(), made.probabilities(0.8)
    wanted = chances[(states.long() * 2 ** torch.arange(made.size)).sum(1).argsort()]
    bound = 6 * (wanted * (1 - wanted) / chains).sqrt() + 1 / chains
    assert ((numbers / chains - wanted).abs() < bound).all()


def test_drawing_a_sample_is_counted_as_a_walk_over_its_synapses():
    made, sizes = net(4, [3, 2, 5]), [4, 3, 2, 5]
    batch = Batch(torch.ones(1, 6, 4), None, torch.ones(1, dtype=torch.bool))
    _, activity = Relaxation(0).observe(made.float(), batch, None)
    found = count_work(trained_work(made, activity)).layers[UNITS]
    walked = dict.fromkeys(("macs", "nonlinearities", "neuron_updates", "elementwise"), 0)
    for _sample, _sweep in ((n, k) for n in range(6) for k in range(3)):
        for layer, heard in [*[(3, 2), (2, 3)] * 4, (1, 2), (0, 1)]:  # four sweeps of the top two, then down
            for _unit in range(sizes[layer]):
                walked["macs"] += sizes[heard]
                walked["nonlinearities"] += 1
                walked["neuron_updates"] += 1
                walked["elementwise"] += 1 + 1 + 1  # bias, random number, comparison
    assert {name: getattr(found, name) for name in walked} == walked
    assert made.parameter_count == 4 * 3 + 3 * 2 + 2 * 5 + 4 + 3 + 2 + 5 + 3 + 2
