"""Contrastive divergence: the likelihood gradient for long chains, what it learns, what it costs, what it refuses."""

import pytest
import torch

from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.basics.errors import CannotRun
from neurorec.learning.contrastive_divergence import ContrastiveDivergence
from neurorec.learning.rule import rules
from neurorec.tasks.batch import Batch
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.models.test_restricted_boltzmann import machine, marginal

SETTINGS = {"epochs": 3, "batch_size": 20, "learning_rate": 0.1, "learning_rate_decay": 1.0, "sweeps": 1}
NAMES = ("weight", "visible_bias", "hidden_bias")


def likelihood_gradient(made, patterns):
    """By differentiating the exact log-likelihood."""
    for name in NAMES:
        getattr(made, name).requires_grad_(True)
    log_p = made.log_weight(patterns) - torch.logsumexp(made.log_weight(marginal(made)[0]), 0)
    found = torch.autograd.grad(log_p.mean(), [getattr(made, name) for name in NAMES])
    for name in NAMES:
        getattr(made, name).requires_grad_(False)
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("rule", ["contrastive_divergence", "persistent_contrastive_divergence"])
def test_long_chains_give_the_gradient_of_the_likelihood(rule, temperature):
    made = machine(4, 3, temperature)
    patterns = (torch.rand(20_000, 4, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    exact, start = likelihood_gradient(made, patterns), {name: getattr(made, name).clone() for name in NAMES}
    more = {"chains": len(patterns)} if rule.startswith("persistent") else {}
    card = rules[rule].Card(rule=rule, task="", **{**SETTINGS, "sweeps": 60, "learning_rate": 1.0}, **more)
    method = rules[rule](card)
    state = method.init(made, None, None, torch.Generator().manual_seed(2))
    method.step(made, state, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
    for name, wanted in zip(NAMES, exact, strict=True):
        # 20,000 chains: each entry is a mean of numbers from 0 to 1, with a standard deviation of 1/2 at the most
        allowed = 6 * 0.5 / len(patterns) ** 0.5 / temperature
        assert ((getattr(made, name) - start[name] - wanted).abs() < allowed).all(), name
        assert wanted.abs().max() > 2 * allowed


def test_statistics_are_exact_where_all_states_are_weighted():
    """<v h> over the model's own distribution, by enumeration of hidden states, equals the one with probabilities."""
    made, method = machine(3, 2), ContrastiveDivergence(ContrastiveDivergence.Card(rule="", task="", **SETTINGS))
    states, chances = made.all_states().double(), made.probabilities(1.0)
    by_states = (states[:, :3] * chances[:, None]).T @ states[:, 3:]
    patterns, chances = marginal(made)
    by_chances = sum(
        p * method.changed(made.weight, modulator=1.0, **method.shown(made, torch.cat([v, v.new_zeros(2)])[None])[0])
        for v, p in zip(patterns, chances, strict=True)
    )
    torch.testing.assert_close(by_chances, by_states)


def test_one_update_by_hand():
    made = machine(2, 1)
    made.load_state_dict({key: torch.zeros_like(value) for key, value in made.state_dict().items()})
    method = ContrastiveDivergence(ContrastiveDivergence.Card(rule="", task="", **SETTINGS))
    state = method.init(made, None, None, torch.Generator().manual_seed(0))
    x = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]], dtype=torch.float64)
    drawn = made.sweep(made.start(x), torch.Generator().manual_seed(0))[:, :2]
    state, info = method.step(made, state, Batch(x, None, torch.ones(1, dtype=torch.bool)))
    torch.testing.assert_close(made.visible_bias, 0.1 * (x[0].mean(0) - drawn.mean(0)))
    torch.testing.assert_close(made.weight[:, 0], 0.1 * 0.5 * (x[0].mean(0) - drawn.mean(0)))
    assert made.hidden_bias.item() == 0
    assert info.updates == 2


def test_persistent_chains_go_on_and_others_start_from_the_data():
    made = machine(4, 3)
    batch = Batch(torch.ones(1, 6, 4, dtype=torch.float64), None, torch.ones(1, dtype=torch.bool))
    for rule, count in (("contrastive_divergence", 0), ("persistent_contrastive_divergence", 9)):
        card = rules[rule].Card(rule=rule, task="", **SETTINGS, **({"chains": count} if count else {}))
        method = rules[rule](card)
        state = method.init(made, None, None, torch.Generator().manual_seed(0))
        after, info = method.step(made, state, batch)
        assert (after.states is None) == (count == 0)
        assert info.updates == (count or 6)
        assert info.more == {"chains": count or 6}
        if count:
            assert after.states.shape == (count, 7)
            assert not torch.equal(after.states, state.states)


def test_bars_and_stripes_are_learned_far_better_than_by_independent_pixels():
    task = load_task("bars_and_stripes", 0)
    seen = train(load_pair("rbm").rate, task, "contrastive_divergence", max_epochs=15, device="cpu")
    assert "best_epoch" not in seen.training  # nothing is held out by which to choose
    assert seen.history[-1]["validation_score"] == pytest.approx(seen.scores["test"], abs=1e-9)
    assert seen.training["chains"] == 15 * 1600
    assert seen.scores["test"] > task.chance_score + 3
    assert seen.extra_scores["nats below the true distribution"]["test"] == pytest.approx(
        -3.379 - seen.scores["test"], abs=1e-3
    )
    assert seen.scores["test"] == pytest.approx(seen.scores["train"], abs=1e-9)


def test_learning_is_counted_as_a_walk_over_its_synapses():
    made, samples, chains, k = machine(4, 3), 5, 7, 2
    walked = dict.fromkeys(("macs", "nonlinearities", "neuron_updates", "plasticity_updates", "weight_writes"), 0)
    for k_sweeps in [0] * samples + [k] * chains:
        for fan_in in [*[4] * 3, *[3] * 4] * k_sweeps + [4] * 3:  # and hidden units once for the statistics
            walked["macs"] += fan_in
            walked["nonlinearities"] += 1
            walked["neuron_updates"] += 1
        for _number in range(4 * 3 + 4 + 3):
            walked["plasticity_updates"] += 1
            walked["weight_writes"] += 1
    forward = ForwardPass(LayerCounts(), 5, 2, 10, 5, 0)
    update = ContrastiveDivergence.count_training(made, forward, samples, chains * k, chains).update
    assert {name: getattr(update, name) for name in walked} == walked
    assert update.weight_reads == walked["macs"] + walked["weight_writes"]


def test_what_it_refuses():
    for rule in ("contrastive_divergence", "persistent_contrastive_divergence"):
        with pytest.raises(CannotRun) as caught:
            rules[rule].check(load_pair("hopfield").rate.build(3, 3, torch.Generator()))
        assert str(caught.value) == (
            f"rule {rules[rule].title} cannot train Hopfield network: it compares the data with samples of a restricted "
            "Boltzmann machine, which this is not; use bptt for layers"
        )
    with pytest.raises(CannotRun) as caught:
        rules["contrastive_divergence"].check(machine(200, 2), load_task("pattern_recall", 0))
    assert str(caught.value) == (
        "rule contrastive divergence cannot learn task pattern_recall: it learns the distribution of the inputs, but this task "
        "asks for answers; use the objective log_likelihood"
    )
