"""Cart and pole: Gymnasium's motion, seen without velocities."""

import math
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from neurorec.tasks.cart_pole import CartPole
from neurorec.tasks.task import load_task


def environment() -> CartPole:
    return load_task("cart_pole", 0)  # type: ignore[return-value]


def start(env: CartPole, episodes: int, seed: int = 0):
    return env.reset(episodes, torch.Generator().manual_seed(seed))


def test_an_episode_is_that_of_gymnasium_seen_without_velocities():
    env, actions = environment(), torch.randint(2, (60,), generator=torch.Generator().manual_seed(3))
    seen = start(env, 1)
    peer: Any = gymnasium.make("CartPole-v1").unwrapped
    peer.reset(seed=0)
    peer.state = seen.hidden.state[:, 0].copy()
    for action in actions:
        observed, _, fallen, _, _ = peer.step(int(action))
        reward, seen = env.step(seen, action[None])
        assert float(reward) == 1.0
        assert bool(seen.running) == (not fallen)
        if fallen:
            assert (seen.observation == 0).all()
            return
        left, right, left_lean, right_lean = seen.observation[0].tolist()
        assert right - left == pytest.approx(float(observed[0]) / 2.4, abs=1e-6)
        assert right_lean - left_lean == pytest.approx(float(observed[2]) / math.radians(12), abs=1e-6)
        assert min(left, right) == min(left_lean, right_lean) == 0
    pytest.fail("the pole did not fall under random pushes")


def test_states_that_differ_only_in_velocity_look_the_same():
    env = environment()
    seen = start(env, 1)
    cart = seen.hidden
    looks = [env._seen(cart._replace(state=np.array([[0.1], [speed], [0.02], [-speed]])), seen.running).observation
             for speed in (-1.0, 0.0, 2.0)]  # fmt: skip
    assert torch.equal(looks[0], looks[1])
    assert torch.equal(looks[0], looks[2])


def test_a_step_depends_on_the_given_state_alone():
    """Two branches from one state, in either order; carts that fell stay down."""
    env = environment()
    seen = start(env, 4)
    for _ in range(3):
        _, seen = env.step(seen, torch.ones(4, dtype=torch.long))
    left, right = torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.long)
    first = env.step(seen, left)[1].hidden.state
    env.step(seen, right)
    assert np.array_equal(env.step(seen, left)[1].hidden.state, first)
    fallen = seen._replace(running=torch.tensor([True, False, True, False]))
    assert env.step(fallen, left)[1].running.tolist() == [True, False, True, False]


def test_the_reward_per_episode_is_the_number_of_steps_until_the_pole_falls():
    rollout = environment().rollout(lambda t, x: (x[:, 3] > 0).long(), 6, torch.Generator().manual_seed(0))
    assert (rollout.returns == rollout.running.sum(0)).all()
    assert len(set(rollout.returns.tolist())) > 1
    assert rollout.running[-1].any()  # it ends with the last episode
    assert len(rollout.running) < 500


def test_who_sees_velocities_balances_for_500_steps_and_no_linear_policy_without_them_does():
    env = environment()
    seen, steps = start(env, 8), 0
    while seen.running.any():
        state = torch.from_numpy(seen.hidden.state)
        _, seen = env.step(seen, (state[2] + 0.5 * state[3] + 0.1 * state[1] + 0.02 * state[0] > 0).long())
        steps += 1
    assert steps == env.steps == 500
    found = environment().baselines()
    assert list(found) == ["random actions", "one constant action", "best linear without memory"]
    assert 15 < found["random actions"]["test"] < 30
    assert 8 < found["one constant action"]["test"] < 11
    assert 35 < found["best linear without memory"]["test"] < 60
