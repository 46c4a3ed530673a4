"""Samples of a task as rewarded choices: what rules that learn from rewards are shown of them, and what they then follow."""

from dataclasses import replace

import pytest
import torch

import neurorec.learning.rewards as rewards
from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine
from neurorec.learning.rule import rules
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Task
from neurorec.training import train
from tests.contracts.test_local_rules import trainable
from tests.learning.test_policy_gradient import rule as policy_gradient
from tests.learning.test_three_factor_reward import assert_close, net_for
from tests.learning.test_three_factor_reward import rule as three_factor
from tests.nets import CLASSES, inputs, network

REWARDED = [name for name in rules if rules[name].signal == "reward"]
SETTINGS = {"epochs": 2, "batch_size": 10, "learning_rate": 1e-2, "learning_rate_decay": 1.0, "clip_norm": 1.0,
            "rate_target": 0.0, "rate_weight": 0.0, "feedback": "random", "discount": 1.0, "trace_decay": 1.0,
            "critic_rate": 1e-2, "entropy_weight": 0.0}  # fmt: skip


def samples(net, labels, T=6, seed=0, lengths=None) -> Batch:
    x = inputs(net, T, len(labels), seed, share=0.6).to(net[net.output].weight.dtype)
    t = torch.arange(T) if lengths is None else torch.arange(T)[:, None]
    ends = T if lengths is None else lengths
    return Batch(x, torch.tensor(labels), (t >= ends - 3) & (t < ends), lengths)


def one_step(name: str, labels: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The weights of a model of a pair card after it, and the answers that were drawn, which do not depend on the labels."""
    (method, net), drawn = trainable(name), []
    batch = CLASSES.without_targets(samples(net, labels.tolist()))
    earnings = batch.earnings
    assert earnings is not None

    def listening(answers: torch.Tensor) -> torch.Tensor:
        drawn.append(answers)
        return earnings(answers)

    shown = replace(batch, earnings=listening)  # type: ignore[arg-type]
    method.step(net, method.init(net, choose_engine("torch", net), CLASSES, torch.Generator().manual_seed(1)), shown)
    return {key: value.clone() for key, value in net.state_dict().items()}, drawn[0]


@pytest.mark.parametrize("name", REWARDED)
def test_a_change_depends_on_the_labels_only_through_the_reward(name):
    """Every other answer is wrong, in one of two ways that earn the same."""
    _, drawn = one_step(name, torch.zeros(8, dtype=torch.long))
    wrong = torch.arange(8) % 2
    found, repeated = one_step(name, (drawn + wrong) % 3)
    same, _ = one_step(name, (drawn + 2 * wrong) % 3)
    better, _ = one_step(name, drawn)
    assert torch.equal(drawn, repeated)
    assert all(torch.equal(same[key], found[key]) for key in found)
    assert any(not torch.equal(better[key], found[key]) for key in found)


def test_what_an_answer_earns_is_told_once():
    batch = CLASSES.without_targets(Batch(torch.zeros(2, 3, 1), torch.tensor([0, 1, 1]), torch.tensor([False, True])))
    assert batch.target is None
    assert batch.earnings is not None
    assert batch.earnings(torch.tensor([0, 1, 0])).tolist() == [1, 1, 0]
    with pytest.raises(CannotRun) as caught:
        batch.earnings(torch.tensor([0, 0, 1]))
    assert str(caught.value) == (
        "the rewards of these samples were already told, once per sample; keep them, or draw the next batch"
    )
    assert batch.take(torch.tensor([0])).earnings is None


def test_without_earnings_no_answer_is_drawn():
    with pytest.raises(ValueError, match="this batch does not say what answers earn"):
        rewards.as_episodes(samples(network("elman"), [0, 1]), torch.zeros(2, 3), torch.Generator())


def test_a_training_shows_no_targets_to_a_rule_that_learns_from_rewards():
    shown = []

    class Looks(rules["three_factor_reward"]):
        def step(self, model, state, batch):
            shown.append(batch)
            return super().step(model, state, batch)

        def finish(self, model, state, validation):
            shown.append(validation)
            return {}

    x = torch.rand(4, 40, 3, generator=torch.Generator().manual_seed(0))
    task = Task.from_arrays(
        x, x[-1].argmax(1), "classification", {"train": range(20), "validation": range(20, 30), "test": range(30, 40)}
    )
    run = train(network("elman", I=3), task, Looks, settings=SETTINGS)
    assert len(shown) == 5
    assert all(batch.target is None and batch.reward is None and batch.earnings is not None for batch in shown)
    assert 0 <= run.scores["test"] <= 1


def expected_change(net, method, expecting, monkeypatch) -> dict[str, torch.Tensor]:
    """Over all 9 pairs of answers to two samples of unequal length, each with its probability. `expecting` tells the state what
    reward is usual."""
    batch = samples(net, [2, 0], lengths=torch.tensor([6, 5]))
    engine, start = choose_engine("torch", net), {name: value.clone() for name, value in net.state_dict().items()}
    chances = CLASSES.answers(engine.run_batch(net, batch).outputs, batch).softmax(1).detach()
    total: dict[str, torch.Tensor] = {}
    for first in range(3):
        for second in range(3):
            answers = torch.tensor([[first], [second]])
            monkeypatch.setattr(torch, "multinomial", lambda *_, answers=answers, **__: answers)
            net.load_state_dict(start)
            state = method.init(net, engine, CLASSES, torch.Generator())
            expecting(state)
            method.step(net, state, CLASSES.without_targets(batch))
            for name, parameter in net.named_parameters():
                if parameter.grad is not None:
                    share = chances[0, first] * chances[1, second]
                    total[name] = total.get(name, 0) + share * parameter.grad
    net.load_state_dict(start)
    return total


def gradient_of_expected_reward(net) -> dict[str, torch.Tensor]:
    """Minus that of the mean probability of the right answer, by autograd."""
    batch = samples(net, [2, 0], lengths=torch.tensor([6, 5]))
    y = CLASSES.answers(choose_engine("torch", net).run_batch(net, batch).outputs, batch)
    trained = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    right = y.softmax(1)[torch.arange(2), batch.answers].mean()
    return dict(zip(trained, torch.autograd.grad(-right, list(trained.values())), strict=True))


def baseline_of_07(state) -> None:
    state.baseline = torch.full((1,), 0.7, dtype=torch.float64)


def critic_of_07(state) -> None:
    state.critic.data[0, -1] = 0.7


@pytest.mark.parametrize("cell", ["lif", "elman"])
@pytest.mark.parametrize("frozen", [True, False])
def test_the_expected_change_is_the_gradient_of_the_expected_reward(cell, frozen, monkeypatch):
    """Exactly, for the policy gradient, and for three factors where no unit moves another; there, symmetric feedback."""
    net = net_for(cell, frozen)
    methods = ((policy_gradient(), baseline_of_07), (three_factor(), critic_of_07))
    for method, expecting in methods if frozen else methods[:1]:
        wanted = gradient_of_expected_reward(net)
        assert all(value.abs().max() > 1e-4 for value in wanted.values())
        assert_close(expected_change(net, method, expecting, monkeypatch), wanted)


def test_an_objective_that_offers_rewards_says_what_answers_earn():
    for name in objectives:
        batch = Batch(torch.zeros(1, 3, 1), torch.tensor([0, 1, 1]), torch.tensor([True]))
        if "reward" in objectives[name].offers and name != "reward":
            assert objectives[name]().rewards(torch.tensor([0, 0, 1]), batch).tolist() == [1, 0, 1]
    with pytest.raises(NotImplementedError, match="Regression offers no rewards"):
        objectives["regression"]().rewards(torch.tensor([0]), batch)
