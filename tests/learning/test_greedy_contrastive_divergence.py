"""Greedy learning of deep belief nets: one pair of layers at a time, an update by hand, costs, refusals."""

import pytest
import torch

from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun
from neurorec.learning.contrastive_divergence import ContrastiveDivergence
from neurorec.learning.greedy_contrastive_divergence import GreedyContrastiveDivergence
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.models.test_deep_belief import net

SETTINGS = {
    "rule": "", "task": "", "epochs": 1, "batch_size": 20, "learning_rate": 0.5, "learning_rate_decay": 0.9, "sweeps": 1,
    "updates_per_layer": 2,
}  # fmt: skip


def steps(made, patterns, count, **changes):
    """The parts that each step changed, and what it reported."""
    method = GreedyContrastiveDivergence(GreedyContrastiveDivergence.Card(**{**SETTINGS, **changes}))
    state, seen = method.init(made, None, None, torch.Generator().manual_seed(2)), []
    for _ in range(count):
        before = {name: part.clone() for name, part in made.named_parameters()}
        state, info = method.step(made, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
        seen.append(({name for name, part in made.named_parameters() if not torch.equal(part, before[name])}, info))
    return seen


def some(count, units=4):
    return (torch.rand(count, units, generator=torch.Generator().manual_seed(1)) < 0.3).double()


def test_layers_learn_one_after_the_other_and_what_is_recognised_stays():
    made = net(4, [3, 2, 5])
    changed = [names for names, _ in steps(made, some(30), 6)]
    first = {"weights.0", "biases.0", "biases.1", "recognition.0"}
    second = {"weights.1", "biases.1", "biases.2", "recognition.1"}
    assert changed == [first] * 2 + [second] * 2 + [{"weights.2", "biases.2", "biases.3"}] * 2


def test_the_next_pair_starts_as_the_last_one_upside_down():
    made = net(4, [3, 4])
    steps(made, some(30), 3, learning_rate=1e-9)
    torch.testing.assert_close(made.weights[1], made.weights[0].T)
    torch.testing.assert_close(made.biases[2], made.biases[0])
    torch.testing.assert_close(made.biases[1], made.recognition[0])


def test_the_lowest_pair_learns_as_a_restricted_machine_does():
    """In the mean of many samples: of one set of data, CD-2 of either kind."""
    made, patterns = net(4, [3, 2], 0.8), some(20_000)
    card = RestrictedBoltzmannCard(name="", max_sweeps=1, temperature=0.8, initial_spread=1.0, hidden=3)
    machine = RestrictedBoltzmann(card, 4).double()
    machine.load_state_dict({
        "weight": made.weights[0].clone(), "visible_bias": made.biases[0].clone(), "hidden_bias": made.biases[1].clone(),
    })  # fmt: skip
    plain = ContrastiveDivergence(ContrastiveDivergence.Card(**{
        key: value for key, value in SETTINGS.items() if key != "updates_per_layer"
    } | {"sweeps": 2}))  # fmt: skip
    batch = Batch(patterns[None], None, torch.ones(1, dtype=torch.bool))
    before = made.weights[0].clone()
    plain.step(machine, plain.init(machine, None, None, torch.Generator().manual_seed(7)), batch)
    steps(made, patterns, 1, sweeps=2)
    allowed = 6 * 0.5 * (2 * 0.25 / 20_000) ** 0.5 / 0.8  # the rate is 0.5; two means of 20,000 numbers from 0 to 1
    for ours, theirs in zip((made.weights[0], *made.biases[:2]), machine.parameters(), strict=True):
        assert ((ours - theirs).abs() < allowed).all()
    assert (made.weights[0] - before).abs().max() > 2 * allowed


def test_bars_and_stripes_are_learned_far_better_than_by_independent_pixels():
    task = load_task("bars_and_stripes", 0)
    made = net(16, [12, 8])
    made.card = made.card.model_copy(update={"initial_spread": 0.1})
    made.reset_parameters(torch.Generator().manual_seed(0))
    settings = {**SETTINGS, "epochs": 20, "batch_size": 32, "learning_rate": 0.2, "learning_rate_decay": 1.0,
                "updates_per_layer": 500}  # fmt: skip
    del settings["rule"], settings["task"]
    seen = train(made.float(), task, "greedy_contrastive_divergence", settings=settings, device="cpu")
    assert seen.scores["test"] > task.chance_score + 2


@pytest.mark.parametrize("k", [1, 2])
def test_learning_is_counted_as_a_walk_over_its_synapses(k):
    made, sizes, samples = net(4, [3, 2, 5]), [4, 3, 2, 5], 7
    walked, more = dict.fromkeys(("macs", "nonlinearities", "plasticity_updates", "elementwise"), 0), {}
    for step, (_, info) in enumerate(steps(made, some(samples), 6, sweeps=k)):
        more = {name: more.get(name, 0) + number for name, number in info.more.items()}
        assert info.updates == samples * k
        layer = step // 2
        n, m = sizes[layer], sizes[layer + 1]
        for _sample in range(samples):
            way = [(sizes[below + 1], sizes[below]) for below in range(layer)]  # (units, what each hears)
            for units, heard in [*way, (m, n), *[(n, m), (m, n)] * k]:
                walked["macs"] += units * heard
                walked["nonlinearities"] += units
                walked["elementwise"] += 3 * units
            for _number in range(n * m + n + m):
                walked["plasticity_updates"] += 2  # for the data, and for the chain
                walked["elementwise"] += 2 * 2  # product and sum
    forward = ForwardPass(LayerCounts(), 5, 2, 10, 5, 0)
    update = GreedyContrastiveDivergence.count_training(made, forward, samples * 6, samples * 6 * k, **more).update
    assert {name: getattr(update, name) for name in walked} == walked


def test_what_it_refuses():
    with pytest.raises(CannotRun) as caught:
        GreedyContrastiveDivergence.check(load_pair("rbm").rate.build(3, 1, torch.Generator()))
    assert str(caught.value) == (
        "rule greedy contrastive divergence cannot train restricted Boltzmann machine: it trains the layers of a deep belief "
        "net, which this is not; use bptt for networks of layers"
    )
