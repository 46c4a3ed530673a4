"""Reward from an environment; there are no targets."""

from typing import Never

from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, objectives


@objectives.register("reward")
class Reward(Objective):
    """Mean reward per episode. Environments are scored by rollouts, not by batches."""

    metric = "reward per episode"
    offers = ("none", "reward")
    chance = "random actions"

    def why_not(self, task) -> str | None:
        return (
            "rewards come from an environment, not from arrays; use a class derived from tasks.environment.Environment"
        )

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return self._none()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        return self._none()

    def without_targets(self, batch: Batch) -> Batch:
        """Episodes have none: their batches contain the actions taken, and the rewards."""
        return batch

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return self._none()

    def baselines(self, task):
        return task.baselines()

    def _none(self) -> Never:
        raise TypeError("an environment has no batches with targets; it is scored by rollouts (tasks/environment.py)")
