"""Neural sampling: the law that its stationary distribution is the Boltzmann machine's, from the exact transition matrix."""

import math

import pytest
import torch

from neurorec import estimate_cost
from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun
from neurorec.engines.relaxation import UNITS, Relaxation
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard
from neurorec.models.energy.refractory_boltzmann import RefractoryBoltzmann, RefractoryBoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train

SHARED = {"max_sweeps": 40, "initial_spread": 1.0}


def machine(visible: int, hidden: int = 0, temperature: float = 1.0) -> Boltzmann:
    made = Boltzmann(BoltzmannCard(name="boltzmann", temperature=temperature, hidden=hidden, **SHARED), visible)
    return drawn(made)


def sampler(visible: int, tau: int, temperature: float = 1.0, hidden: int = 0) -> RefractoryBoltzmann:
    card = RefractoryBoltzmannCard(
        name="refractory_boltzmann", temperature=temperature, hidden=hidden, refractory_steps=tau, **SHARED
    )
    return drawn(RefractoryBoltzmann(card, visible))


def drawn(made):
    made.reset_parameters(torch.Generator().manual_seed(0))
    with torch.no_grad():
        made.bias.copy_(torch.randn(made.size, generator=torch.Generator().manual_seed(1)))
    return made.double()


def transition(made: RefractoryBoltzmann, units: list[int], at_once: bool = False) -> torch.Tensor:
    """[states, states] of one step: the outcomes of `redraw` for the smallest and the largest number, with their
    probabilities. `at_once`: every neuron hears the states before the step."""
    states = made.all_states().double()
    S, levels = len(states), len(made.levels())
    place = torch.tensor([levels**k for k in reversed(range(made.size))]).double()
    chances = torch.eye(S, dtype=torch.float64)
    together = torch.ones(S, S, dtype=torch.float64)
    for unit in units:
        group = slice(unit, unit + 1)
        fires = torch.sigmoid(made.field(states, group) / made.temperature)[:, 0]
        moves = torch.zeros(S, S, dtype=torch.float64)
        for number, chance in ((0.0, fires), (1.0, 1 - fires)):
            after = made.redraw(states, group, torch.full((S, 1), number, dtype=torch.float64))
            moves[torch.arange(S), (after @ place).long()] += chance
        chances = chances @ moves
        rest = [other for other in range(made.size) if other != unit]
        same = (states[:, None, rest] == states[None, :, rest]).all(2)
        values = torch.stack([moves @ (states[:, unit] == level).double() for level in made.levels()], 1)
        together = together * values[:, states[:, unit].long()]
        assert (moves[~same] == 0).all()
    return together if at_once else chances


@pytest.mark.parametrize(("units", "tau", "temperature"), [(2, 4, 1.0), (3, 3, 1.0), (3, 5, 0.6)])
def test_its_stationary_distribution_is_the_boltzmann_machines(units, tau, temperature):
    made = sampler(units, tau, temperature)
    step, law = transition(made, list(range(units))), made.probabilities(temperature)
    assert float((law @ step - law).abs().max()) < 1e-15
    assert float(torch.linalg.eigvals(step).abs().sort().values[-2]) < 1 - 1e-3  # there is no other
    on = (made.all_states() > 0).double()
    number = (on @ torch.tensor([2.0**k for k in reversed(range(units))]).double()).long()
    states = torch.zeros(2**units, dtype=torch.float64).index_add_(0, number, law)
    torch.testing.assert_close(states, machine(units, 0, temperature).probabilities(temperature), rtol=1e-14, atol=0)


def test_if_all_neurons_were_updated_at_once_it_would_be_another():
    made = sampler(3, 3)
    step, law = transition(made, [0, 1, 2], at_once=True), made.probabilities(1.0)
    torch.testing.assert_close(step.sum(1), torch.ones(len(step), dtype=torch.float64))
    assert float((law @ step - law).abs().max()) > 1e-4


def test_a_neuron_fires_with_its_probability_and_then_counts_down():
    made = sampler(3, 4)
    states = torch.tensor([[0.0, 3, 1]]).double()
    u = made.bias[0] + made.weight[0, 1] + made.weight[0, 2]
    chance = 1 / (1 + math.exp(math.log(4) - float(u)))
    for number, after in ((chance - 1e-9, 4.0), (chance + 1e-9, 0.0)):
        assert made.redraw(states, slice(0, 1), torch.tensor([[number]], dtype=torch.float64)).tolist() == [
            [after, 3.0, 1.0]
        ]
    assert made.redraw(states, slice(1, 2), torch.tensor([[0.0]])).tolist() == [[0.0, 2.0, 1.0]]  # refractory
    assert made.redraw(states, slice(2, 3), torch.tensor([[0.0]])).tolist() == [[0.0, 3.0, 4.0]]  # fires again
    assert made.redraw(states, slice(2, 3), torch.tensor([[1.0]])).tolist() == [[0.0, 3.0, 0.0]]


def test_densities_are_those_of_the_boltzmann_machine():
    made, plain = sampler(3, 7, 0.8, hidden=2), machine(3, 2, 0.8)
    patterns = torch.tensor([[0.0, 1, 1], [0, 0, 0], [1, 1, 1]])
    torch.testing.assert_close(made.log_probability(patterns), plain.log_probability(patterns), rtol=0, atol=0)


def test_events_are_counted_one_by_one():
    """Each time a neuron switches on or off; the events of the last step are not delivered."""
    made, objective = sampler(4, 3), objectives["log_likelihood"]()
    x = torch.tensor([[[1.0, 0, 0, 1], [0, 0, 1, 0]]]).double()
    batch = Batch(x, torch.zeros(2, 1), torch.ones(1, dtype=torch.bool))
    y, activity = Relaxation(2).observe(made, batch, objective)
    torch.testing.assert_close(y[:, 0], made.log_probability(x[0]))
    generator, states, events = torch.Generator().manual_seed(2), x[0], []
    for _ in range(40):
        before, states = states, made.sweep(states, generator)
        events.append([int(count) for count in ((before > 0) ^ (states > 0)).sum(0)])
    seen = activity.layers[UNITS]
    assert seen.steps is not None
    assert seen.steps.tolist() == events
    assert seen.spikes.tolist() == [sum(counts) for counts in zip(*events, strict=True)]
    assert sum(map(sum, events)) > 10
    counted = count_work(trained_work(made, activity)).layers[UNITS]
    assert counted.synaptic_events == 3 * sum(map(sum, events[:-1]))
    assert counted.spikes == sum(map(sum, events))
    assert (counted.macs, counted.neuron_updates) == (0, 2 * 40 * 4)


def test_it_is_trained_as_a_boltzmann_machine_but_its_events_are_not_counted():
    run = train(load_pair("boltzmann_visible").spiking, load_task("parity3", 0), "boltzmann_learning", max_epochs=20)
    (floor,) = {round(score, 2) for score in run.extra_scores["nats below the true distribution"].values()}
    assert floor == 0.69  # ln 2
    cost = estimate_cost(run, "cmos_45nm")
    assert cost.can_run
    assert cost.training is not None
    assert cost.training.why_not == (
        "rule Boltzmann learning does not count the events that neural sampling sends while it learns"
    )
    with pytest.raises(
        CannotRun, match="Boltzmann learning does not count the events that neural sampling sends while it learns"
    ):
        run.method.count_training(run.network, ForwardPass(LayerCounts(), 1, 1, 1, 1, 0), 1, 1)
