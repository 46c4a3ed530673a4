"""Prediction of a series: real values in every frame, with the error relative to the variance of the series."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, counted, fit_ridge, objectives, same_answer
from neurorec.tasks.objectives.regression import wrong_values

PENALTIES = (1e-9, 1e-7, 1e-5, 1e-3, 1e-1)


@objectives.register("series_prediction")
class SeriesPrediction(Objective):
    """Mean squared error, divided by the variance of the targets in the same frames: 0 is perfect, the mean target gives 1.

    Its root is the second score. Baselines: persistence (the target of the frame before), and linear regression on the last
    `lags` inputs, which for the series itself as input is linear autoregression.
    """

    metric = "normalised mean squared error"
    higher_is_better = False
    chance = "mean target"

    def __init__(self, lags: int = 20) -> None:
        self.lags = lags

    def why_not(self, task) -> str | None:
        if task.target.dim() != 3 or list(task.target.shape[:2]) != list(task.x.shape[:2]):
            return (
                f"a series needs targets [T, N, O] with [T, N] = {list(task.x.shape[:2])} (got {list(task.target.shape)}); "
                'for one vector per sample use the objective "regression"'
            )
        return wrong_values(task.target)

    def sense(self, score: str) -> tuple[str, bool]:
        return "", False

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        answers, target = counted(y, batch)
        return (answers - target).square().mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        target = counted(y, batch)[1].double()
        variance = (target - target.mean(0)).square().mean()
        error = float(self.loss(y.double(), batch) / variance.clamp_min(1e-300))
        return {self.metric: error, "normalised root mean squared error": error**0.5}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double()

    def baselines(self, task):
        def mean_target(batch: Batch) -> Tensor:
            return batch.answers[batch.frame_mask].double().mean(0)

        def last_inputs(batch: Batch) -> Tensor:
            return delayed(batch.x.double(), self.lags)

        chance = same_answer(self, mean_target, task)
        return {
            self.chance: chance,
            "persistence": {split: self._persistence(task.split(split)) for split in chance},
            f"ridge on the last {self.lags} inputs": fit_ridge(self, last_inputs, task, PENALTIES),
        }

    def _persistence(self, batch: Batch) -> float:
        before = torch.cat([torch.zeros_like(batch.answers[:1]), batch.answers[:-1]])
        return self.score(before.double(), batch)


def delayed(x: Tensor, lags: int) -> Tensor:
    """x [F, B, I] of this frame and the lags - 1 before it (0 before the first), and a constant one: [F, B, lags I + 1]."""
    frames = len(x)
    padded = torch.cat([x.new_zeros(lags - 1, *x.shape[1:]), x])
    seen = [padded[lags - 1 - lag : lags - 1 - lag + frames] for lag in range(lags)]
    return torch.cat([*seen, x.new_ones(*x.shape[:2], 1)], 2)
