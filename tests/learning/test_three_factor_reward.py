"""Three-factor learning from reward: where no unit moves another, it is the policy gradient; its critic; what it ignores."""

import pytest
import torch

from neurorec.basics.counts import ForwardPass, LayerCounts
from neurorec.engines.engine import choose_engine
from neurorec.learning.eprop import EProp
from neurorec.learning.policy_gradient import reward_to_come
from neurorec.learning.three_factor_reward import ThreeFactorReward, ThreeFactorRewardCard
from neurorec.tasks.task import Batch, load_task
from neurorec.training import load_pair, train
from tests.learning.test_policy_gradient import REWARD, episode
from tests.learning.test_policy_gradient import rule as policy_gradient
from tests.nets import inputs, network

ACTIONS, REWARDS = [0, 2, 1, 1], [1.0, -0.5, 0.0, 2.0]


def rule(**changes) -> ThreeFactorReward:
    values = {"rule": "three_factor_reward", "task": "made up", "epochs": 1, "batch_size": 1, "learning_rate": 1e-9,
              "learning_rate_decay": 1.0, "clip_norm": 1e9, "rate_target": 0.0, "rate_weight": 0.0, "feedback": "symmetric",
              "discount": 1.0, "trace_decay": 1.0, "critic_rate": 1e-9, "entropy_weight": 0.0}  # fmt: skip
    return ThreeFactorReward(ThreeFactorRewardCard(**(values | changes)))


def net_for(cell: str = "lif", frozen: bool = True):
    net = network(cell, O=3, readout="linear", recurrent_gain=2.0).double()
    if frozen:
        net.freeze_recurrence()
    return net


def state_of(method, net):
    return method.init(net, choose_engine("torch", net), REWARD, torch.Generator().manual_seed(1))


def gradients(net, method, state, batch) -> dict[str, torch.Tensor]:
    """Those of one step, after which the weights are as before."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    method.step(net, state, batch)
    net.load_state_dict(before)
    return {name: parameter.grad.clone() for name, parameter in net.named_parameters() if parameter.grad is not None}


def gradient_of(weight: torch.Tensor) -> torch.Tensor:
    assert weight.grad is not None
    return weight.grad


def assert_close(found, wanted) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(
            found[name], wanted[name], rtol=1e-10, atol=1e-13, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize("cell", ["lif", "elman"])
@pytest.mark.parametrize("steps_per_frame", [1, 3])
@pytest.mark.parametrize(
    "both", [{}, {"discount": 0.9}, {"entropy_weight": 0.3}, {"rate_target": 0.1, "rate_weight": 2.0}]
)
def test_without_recurrent_weights_it_is_the_policy_gradient(both, steps_per_frame, cell):
    """With symmetric feedback, traces that only discounting lets decay, and a critic that always expects 0.7."""
    net = net_for(cell)
    batch = episode(inputs(net, 4 * steps_per_frame, 1).double(), ACTIONS, REWARDS, steps_per_frame)
    exact, local = policy_gradient(**both), rule(**both)
    state, of_local = state_of(exact, net), state_of(local, net)
    state.baseline = torch.full((4,), 0.7, dtype=torch.float64)
    of_local.critic.data[0, -1] = 0.7
    wanted = gradients(net, exact, state, batch)
    assert all(value.abs().max() > 1e-3 for value in wanted.values())
    assert_close(gradients(net, local, of_local, batch), wanted)


def test_with_recurrent_weights_it_leaves_out_paths_through_other_units():
    net = net_for(frozen=False)
    batch = episode(inputs(net, 4, 1).double(), ACTIONS, REWARDS)
    exact, local = policy_gradient(), rule()
    wanted, found = (gradients(net, method, state_of(method, net), batch) for method in (exact, local))
    torch.testing.assert_close(found["layers.readout.weight"], wanted["layers.readout.weight"])
    assert not torch.allclose(found["layers.hidden.w_in"], wanted["layers.hidden.w_in"], rtol=1e-3)


def test_units_hear_actions_through_their_feedback_weights_alone():
    net, (symmetric, random) = net_for(frozen=False), (rule(), rule(feedback="random"))
    batch = episode(inputs(net, 4, 1).double(), ACTIONS, REWARDS)
    plain = gradients(net, symmetric, state_of(symmetric, net), batch)
    state = state_of(random, net)
    assert not torch.allclose(gradients(net, random, state, batch)["layers.hidden.w_in"], plain["layers.hidden.w_in"])
    state = state_of(random, net)
    state.feedback["hidden"].copy_(net["readout"].weight)
    assert_close(gradients(net, random, state, batch), plain)


def test_the_critic_moves_towards_the_reward_to_come():
    """With traces that only discounting lets decay, its change is that of least squares: sum of (R_t - V_t) times its input."""
    net, method = net_for(frozen=False), rule(discount=0.8)
    x = inputs(net, 4, 1, share=0.6).double()
    batch, state = episode(x, ACTIONS, REWARDS), state_of(method, net)
    state.critic.data = torch.randn(1, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    spikes = choose_engine("torch", net).run(net, x).sent["hidden"][:, 0]
    heard = torch.cat([spikes, torch.ones(4, 1)], 1)
    wanted = (reward_to_come(batch, 0.8)[:, 0] - heard @ state.critic[0]) @ heard
    method.step(net, state, batch)
    torch.testing.assert_close(-gradient_of(state.critic)[0], wanted.detach())


def test_a_trace_that_is_gone_learns_only_from_the_next_reward():
    """trace_decay near 0: what changes is, per frame, the prediction error times that frame's own eligibility."""
    net = net_for()
    x = inputs(net, 2, 1, share=0.8).double()
    late, now = episode(x, [0, 1], [0.0, 5.0]), episode(x, [0, 1], [5.0, 0.0])
    long, short = rule(), rule(trace_decay=1e-12)
    bias = "layers.readout.bias"
    chances = net(x)[0, 0].softmax(0)
    first = torch.tensor([1.0, 0.0, 0.0]) - chances  # how surprising the first action was
    second = torch.tensor([0.0, 1.0, 0.0]) - net(x)[1, 0].softmax(0)
    for method, batch, wanted in (long, late, first + second), (short, late, second), (short, now, first):
        found = gradients(net, method, state_of(method, net), batch)[bias]
        torch.testing.assert_close(-found, 5 * wanted.detach(), rtol=1e-9, atol=1e-10)


def test_without_reward_and_expectation_no_weight_moves():
    net, method = net_for(frozen=False), rule()
    state = state_of(method, net)
    found = gradients(net, method, state, episode(inputs(net, 4, 1).double(), ACTIONS, [0.0] * 4))
    assert not any(value.any() for value in found.values())
    assert not gradient_of(state.critic).any()


def test_what_happens_after_the_end_of_an_episode_counts_nothing():
    net, method = net_for(frozen=False), rule(feedback="random", entropy_weight=0.1)
    x = inputs(net, 4, 1).double()
    short, longer = episode(x[:2], [0, 1], [1.0, 2.0]), episode(x, [0, 1, 2, 2], [1.0, 2.0, 0.0, 0.0])
    mask = torch.tensor([True, True, False, False])[:, None]
    longer = Batch(longer.x, longer.target, mask, torch.tensor([2]), 1, True, longer.reward)
    found, critics = [], []
    for batch in (short, longer):
        state = state_of(method, net)
        state.critic.data += 0.5
        found.append(gradients(net, method, state, batch))
        critics.append(state.critic.grad)
    assert_close(*found)
    torch.testing.assert_close(*critics)


def test_its_counts_are_those_of_e_prop_and_of_what_it_does_besides():
    """5 inputs, 7 units, 3 actions: 84 + 24 synapses and a critic of 8, over 6 samples of 10 steps."""
    net, forward = network("lif", O=3), ForwardPass(LayerCounts(), 6, 10, 60, 6, 0)
    found, plain = (each.count_training(net, forward, 6, 2) for each in (ThreeFactorReward, EProp))
    more = {
        key: getattr(found.backward, key) - getattr(plain.backward, key)
        for key in ("macs", "values_sent", "trace_writes")
    }
    assert more == {"macs": 60 * (84 + 24 + 8 + 16), "values_sent": 60, "trace_writes": 60 * (84 + 24 + 8)}
    extra = [store for store in found.stores if store not in plain.stores]
    assert sum(store.words for store in extra) == 84 + 24 + 8 + 8 + 16
    assert {phase: found.phases[phase] for phase in ("forward", "update")} == {
        phase: plain.phases[phase] for phase in ("forward", "update")
    }


@pytest.mark.slow
def test_it_learns_to_remember_without_backpropagation():
    """Without memory, no policy earns more than 0 on average; a short training with the card's settings earns clearly more."""
    half = load_pair("delayed_match_local").spiking
    task = load_task("delayed_match_to_sample", 0)
    run = train(half, task, "three_factor_reward", seed=0, device="cpu", max_epochs=30)
    assert run.scores["test"] > 0.4
