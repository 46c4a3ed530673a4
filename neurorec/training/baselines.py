"""What a score must beat: ridge regression on the raw input of a task, with no network at all."""

import torch

from neurorec.learning.ridge import best_ridge
from neurorec.tasks.task import Split, Task, accuracy

PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def ridge_on_input(task: Task) -> dict[Split, float]:
    """Accuracy by split of a linear readout of all frames at once; the penalty is chosen on validation data."""

    def features(split: Split) -> torch.Tensor:
        x = task.split(split).x.permute(1, 0, 2).flatten(1)
        return torch.cat([x, x.new_ones(x.shape[0], 1)], dim=1)

    train, validation = task.split("train"), task.split("validation")
    weights, _ = best_ridge(
        features("train"), train.target, (features("validation"), validation.target), task.classes, PENALTIES
    )
    splits: tuple[Split, ...] = ("train", "validation", "test")
    return {split: accuracy(features(split).double() @ weights.T, task.split(split).target) for split in splits}
