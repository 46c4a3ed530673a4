"""Policy gradient: its mean is the gradient of the expected reward, and it learns what needs memory."""

from itertools import product

import pytest
import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import choose_engine
from neurorec.learning.policy_gradient import PolicyGradient, PolicyGradientCard, reward_to_come
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Batch, load_task
from neurorec.training import load_pair, train
from tests.nets import inputs, network

REWARD = objectives["reward"]()


def rule(**changes) -> PolicyGradient:
    values = {"rule": "policy_gradient", "task": "made up", "epochs": 1, "batch_size": 1, "learning_rate": 1e-9,
              "learning_rate_decay": 1.0, "clip_norm": 1e9, "rate_target": 0.0, "rate_weight": 0.0, "discount": 1.0,
              "baseline_rate": 0.5, "entropy_weight": 0.0}  # fmt: skip
    return PolicyGradient(PolicyGradientCard(**(values | changes)))


def episode(x, actions, rewards, steps_per_frame=1) -> Batch:
    T = len(x)
    return Batch(x, torch.tensor(actions)[:, None], torch.ones(T, 1, dtype=torch.bool), torch.tensor([T]), steps_per_frame,
                 per_frame=True, reward=torch.tensor(rewards, dtype=torch.float64)[:, None])  # fmt: skip


@pytest.mark.parametrize(("cell", "steps_per_frame"), [("elman", 1), ("elman", 3)])
def test_its_mean_over_all_actions_is_the_gradient_of_the_expected_reward(cell, steps_per_frame):
    """Exactly, whatever the baseline: 3 actions in 2 frames make 9 episodes, each with its probability."""
    net = network(cell, O=3).double()
    x = inputs(net, 2 * steps_per_frame, 1).double()
    engine = choose_engine("torch", net)
    prize = torch.randn(3, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)  # by both actions
    first = torch.tensor([0.5, -1.0, 0.25], dtype=torch.float64)  # by the first alone
    chances = net(x)[:, 0].unflatten(0, (2, steps_per_frame)).mean(1).softmax(-1)
    expected = sum(chances[0, a] * chances[1, b] * (first[a] + prize[a, b]) for a, b in product(range(3), repeat=2))
    wanted, chances = torch.autograd.grad(-expected, list(net.parameters())), chances.detach()

    found = [torch.zeros_like(parameter) for parameter in net.parameters()]
    start = {name: value.clone() for name, value in net.state_dict().items()}
    for a, b in product(range(3), repeat=2):
        net.load_state_dict(start)
        method = rule()
        state = method.init(net, engine, REWARD, torch.Generator())
        state.baseline = torch.tensor([0.7, -0.4], dtype=torch.float64)
        method.step(net, state, episode(x, [a, b], [float(first[a]), float(prize[a, b])], steps_per_frame))
        for total, parameter in zip(found, net.parameters(), strict=True):
            total += float(chances[0, a] * chances[1, b]) * parameter.grad
    for each, right in zip(found, wanted, strict=True):
        assert torch.allclose(each, right, atol=1e-12)


def test_the_baseline_follows_the_mean_reward_to_come():
    net, method = network("elman", O=3), rule()
    state = method.init(net, choose_engine("torch", net), REWARD, torch.Generator())
    batch = episode(inputs(net, 3, 1), [0, 1, 2], [1.0, 0.0, -3.0])
    state, info = method.step(net, state, batch)
    assert state.baseline.tolist() == [-1.0, -1.5, -1.5]  # half the way to -2, -3, -3
    assert info.updates == 1
    state, _ = method.step(net, state, batch)
    assert state.baseline.tolist() == [-1.5, -2.25, -2.25]


def test_a_discounted_reward_counts_less_the_later_it_comes():
    batch = episode(torch.zeros(3, 1, 5), [0, 1, 2], [1.0, 0.0, 4.0])
    assert reward_to_come(batch, 0.5).flatten().tolist() == [2.0, 2.0, 4.0]
    assert reward_to_come(batch, 1.0).flatten().tolist() == [5.0, 4.0, 4.0]


def test_the_baseline_grows_with_longer_episodes_and_keeps_what_shorter_ones_do_not_reach():
    net, method = network("elman", O=3), rule()
    state = method.init(net, choose_engine("torch", net), REWARD, torch.Generator())
    for rewards, wanted in ([1.0], [0.5]), ([0.0, 0.0, 4.0], [2.25, 2.0, 2.0]), ([1.0, 1.0], [2.125, 1.5, 2.0]):
        batch = episode(inputs(net, len(rewards), 1), [0] * len(rewards), rewards)
        state, _ = method.step(net, state, batch)
        assert state.baseline.tolist() == wanted


def test_what_happens_after_the_end_of_an_episode_counts_nothing():
    net, method = network("elman", O=3).double(), rule()
    x = inputs(net, 4, 1).double()
    short, longer = episode(x[:2], [0, 1], [1.0, 2.0]), episode(x, [0, 1, 2, 2], [1.0, 2.0, 0.0, 0.0])
    mask = torch.tensor([True, True, False, False])[:, None]
    longer = Batch(longer.x, longer.target, mask, torch.tensor([2]), 1, True, longer.reward)
    gradients = []
    for batch in (short, longer):
        state = method.init(net, choose_engine("torch", net), REWARD, torch.Generator())
        state.baseline = torch.tensor([0.5, -0.3, 2.0, 2.0])[: len(batch.x)]
        method.step(net, state, batch)
        gradients.append([parameter.grad.clone() for parameter in net.parameters()])
    torch.testing.assert_close(*gradients)


def test_entropy_keeps_actions_alive():
    """Without rewards, its gradient alone drives the probabilities together."""
    net, method = network("elman", O=3), rule(entropy_weight=1.0, learning_rate=0.05)
    state, x = method.init(net, choose_engine("torch", net), REWARD, torch.Generator()), inputs(net, 3, 1)
    before = net(x).softmax(-1).max()
    for _ in range(60):
        state, _ = method.step(net, state, episode(x, [0, 0, 0], [0.0, 0.0, 0.0]))
    assert net(x).softmax(-1).max() < 0.36 < before


def test_it_learns_from_rewards_alone_and_targets_alone_are_refused():
    labelled, trial = load_task("copy_memory", 0), load_task("delayed_match_to_sample", 0)
    half = load_pair("lif_vs_elman").rate
    with pytest.raises(CannotRun) as caught:
        train(half, trial, "bptt", settings={
            "epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "learning_rate_decay": 1.0, "clip_norm": 1.0,
            "rate_target": 0.0, "rate_weight": 0.0,
        })  # fmt: skip
    assert str(caught.value) == (
        "rule BPTT cannot learn task delayed_match_to_sample: it learns from errors of the outputs, but the task "
        "offers only inputs or rewards"
    )
    settings = rule().card.model_dump(exclude={"rule", "task"})
    with pytest.raises(
        CannotRun, match="rule policy gradient cannot learn task copy_memory: it learns from rewards, but"
    ):
        train(half, labelled, "policy_gradient", settings=settings)


def test_it_learns_to_remember():
    """Without memory, no policy earns more than 0 on average; a short training with the card's settings earns clearly more."""
    pair = load_pair("delayed_match")
    run = train(
        pair.rate, load_task("delayed_match_to_sample", 0), "policy_gradient", seed=0, device="cpu", max_epochs=20
    )
    assert run.scores["test"] > 0.4
    assert run.metric == "reward per episode"
    assert run.activity.skipped_steps > 0  # trials end at different times
    assert run.training["weight_updates"] == 20 * 4
