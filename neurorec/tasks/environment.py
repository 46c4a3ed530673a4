"""The contract of an environment: a task without targets, which answers actions with observations and rewards.

    state = environment.reset(32, generator)
    while not finished:
        reward, state = environment.step(state, action)

Letters: B parallel episodes, I observed lines, O actions. State and random generator are arguments.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.objectives.reward import Reward
from neurorec.tasks.task import Task

EPISODES: dict[Split, int] = {"train": 256, "validation": 256, "test": 512}


class EpisodeState(NamedTuple):
    """The state of B episodes."""

    observation: Tensor  #: [B, I]
    hidden: Any  #: state that is not observed
    running: Tensor  #: [B] bool, whether the episode continues


@dataclass(frozen=True)
class Rollout:
    """B episodes, the longest of T steps: observations [T, B, I], actions [T, B], rewards [T, B]; `running` [T, B] marks the
    steps before the end of each episode; rewards are 0 in all others."""

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    running: Tensor

    @property
    def returns(self) -> Tensor:
        """The total reward of each episode, [B]."""
        return self.rewards.sum(0)


Policy = Callable[[int, Tensor], Tensor]  #: (step, observation [B, I]) -> action [B]


class Environment(Task):
    """A task in which a network acts. Its `objective` is always reward."""

    objective = Reward()
    steps: int  #: of the longest episode

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @abstractmethod
    def reset(self, episodes: int, generator: torch.Generator) -> EpisodeState:
        """Start new episodes."""

    @abstractmethod
    def step(self, seen: EpisodeState, action: Tensor) -> tuple[Tensor, EpisodeState]:
        """Apply actions [B]: rewards [B], and the new state of the episodes."""

    def drawn(self, seen: EpisodeState) -> Mapping[str, Tensor]:
        """What to draw of the state of each episode, [B] by name; here, what is observed."""
        return {f"line {number}": values for number, values in enumerate(seen.observation.T)}

    def rollout(self, policy: Policy, episodes: int, generator: torch.Generator) -> Rollout:
        """Complete episodes under `policy`, until the last of them ends."""
        seen = self.reset(episodes, generator)
        rows: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for t in range(self.steps):
            if not seen.running.any():
                break
            action = policy(t, seen.observation)
            observation, running = seen.observation, seen.running
            reward, seen = self.step(seen, action)
            rows.append((observation, action, torch.where(running, reward, 0.0), running))
        return Rollout(*(torch.stack(column) for column in zip(*rows, strict=True)))

    def episodes(self, split: Split) -> tuple[int, torch.Generator]:
        """Number of episodes in a split, and the generator that draws them."""
        return EPISODES[split], torch_generator(self.seed, f"{self.name} {split}")

    def without_test(self) -> Task:
        blind = super().without_test()
        blind.episodes = lambda split: self.episodes("validation" if split == "test" else split)  # type: ignore[attr-defined]
        return blind

    def split(self, name: Split) -> Batch:
        """Observations of a split under random actions: sample input for tests and encoders."""
        count, generator = self.episodes(name)
        seen = self.rollout(self._random(generator), count, generator)
        mask = torch.ones(len(seen.observations), dtype=torch.bool)
        return Batch(seen.observations, None, mask)

    def baselines(self) -> dict[str, dict[Split, float]]:
        """Random actions, and the best policy that always takes the same action."""
        found: dict[str, dict[Split, float]] = {self.objective.chance: {}, "one constant action": {}}
        for split in SPLITS:
            count, generator = self.episodes(split)
            found[self.objective.chance][split] = float(
                self.rollout(self._random(generator), count, generator).returns.double().mean()
            )
            found["one constant action"][split] = max(self._constant(action, split) for action in range(self.outputs))
        return found

    def _random(self, generator: torch.Generator) -> Policy:
        return lambda t, observation: torch.randint(self.outputs, (len(observation),), generator=generator)

    def _constant(self, action: int, split: Split) -> float:
        count, generator = self.episodes(split)
        policy: Policy = lambda t, observation: torch.full((len(observation),), action)  # noqa: E731
        return float(self.rollout(policy, count, generator).returns.double().mean())
