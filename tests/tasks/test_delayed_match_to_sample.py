"""Delayed match to sample: rewards by hand, and why it needs memory."""

import itertools

import pytest
import torch

from neurorec.tasks.delayed_match_to_sample import (
    LONGEST,
    MATCH,
    NON_MATCH,
    SHORTEST,
    WAIT,
    DelayedMatchToSample,
    Trial,
)
from neurorec.tasks.task import load_task


def environment() -> DelayedMatchToSample:
    return load_task("delayed_match_to_sample", 0)  # type: ignore[return-value]


def all_trials() -> Trial:
    """Every sample, test and delay once."""
    rows = list(itertools.product((0, 1), (0, 1), range(SHORTEST + 1, LONGEST + 2)))
    sample, test, asked = torch.tensor(rows).T
    return Trial(sample, test, asked, 0)


def returns_of(policy) -> torch.Tensor:
    """The reward of each of `all_trials` under a policy that is told the step, the observation and the trial."""
    env, total = environment(), 0
    seen = env._seen(all_trials())
    for t in range(env.steps):
        running = seen.running
        reward, seen = env.step(seen, policy(t, seen.observation, seen.hidden))
        total = total + torch.where(running, reward, 0.0).double()
    return total


def test_a_policy_that_remembers_is_always_right():
    def remembers(t, x, trial):
        answer = torch.where(trial.sample == trial.test, MATCH, NON_MATCH)
        return torch.where(x[:, 2:4].any(1), answer, WAIT)

    assert (returns_of(remembers) == 1).all()


def test_without_memory_no_policy_expects_more_than_nothing():
    """Every function from what can be observed to an action; all trials are equally probable."""
    env = environment()
    seen, observations = env._seen(all_trials()), []
    for _ in range(env.steps):
        observations.append(seen.observation[seen.running])
        _, seen = env.step(seen, torch.zeros(len(seen.running), dtype=torch.long))
    kinds = torch.cat(observations).unique(dim=0)
    assert len(kinds) == 5  # sample A, sample B, nothing, test A, test B
    best = -9.0
    for actions in itertools.product((WAIT, MATCH, NON_MATCH), repeat=len(kinds)):
        table = torch.tensor(actions)
        policy = lambda t, x, trial, table=table: table[(x[:, None] == kinds).all(2).int().argmax(1)]  # noqa: E731
        best = max(best, float(returns_of(policy).mean()))
    assert best == 0


@pytest.mark.parametrize(("early", "last", "reward"), [
    (WAIT, MATCH, 1.0), (WAIT, NON_MATCH, -1.0), (WAIT, WAIT, -0.1), (MATCH, MATCH, 1 - 0.1 * 4), (NON_MATCH, WAIT, -0.5),
])  # fmt: skip
def test_rewards_by_hand(early, last, reward):
    """Sample and test are both B, 3 frames apart: 4 frames before the test."""
    env = environment()
    seen = env._seen(Trial(*torch.tensor([[1], [1], [4]]), 0))
    total = 0.0
    for t in range(env.steps):
        assert bool(seen.running) == (t <= 4)
        shown = {0: [0, 1, 0, 0, 1], 4: [0, 0, 0, 1, 1]}.get(t, [0, 0, 0, 0, int(t < 4)])
        assert seen.observation.tolist() == [shown]
        running = seen.running
        won, seen = env.step(seen, torch.tensor([last if t == 4 else early]))
        total += float(won) if running else 0.0
    assert total == pytest.approx(reward)


def test_baselines_know_no_more_than_chance():
    found = environment().baselines()
    assert list(found) == ["random actions", "one constant action", "best without memory"]
    assert all(set(scores) == {"train", "validation", "test"} for scores in found.values())
    assert found["random actions"]["test"] < -0.3
    assert found["one constant action"]["test"] == pytest.approx(-0.1)
    assert abs(found["best without memory"]["test"]) < 0.15  # 512 trials of +-1


def test_episodes_come_from_the_seed_and_the_split():
    env, other = environment(), load_task("delayed_match_to_sample", 1)
    assert torch.equal(env.split("test").x, environment().split("test").x)
    assert not torch.equal(env.split("test").x, other.split("test").x)
    assert env.split("test").size == 512
