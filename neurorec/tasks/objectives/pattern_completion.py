"""Unsupervised: patterns are shown without targets; afterwards corrupted patterns must be completed."""

from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, objectives, same_answer


@objectives.register("pattern_completion")
class PatternCompletion(Objective):
    """Overlap m = mean of y_i target_i over units of +-1: 1 if every unit is correct, 0 for a random answer.

    The targets are used for scores only: no rule may learn from them.
    """

    metric = "overlap"
    pooled = True
    offers = ("none",)
    chance = "majority of each unit"

    def why_not(self, task) -> str | None:
        if task.target.shape != task.x.shape[1:] or not (task.target.abs() == 1).all():
            return (
                f"pattern completion needs a target of +1 and -1 for every input of a sample, [N, I] = "
                f"{list(task.x.shape[1:])} (got {list(task.target.shape)})"
            )
        return None

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return 1 - (y * batch.answers).mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        exact = float((y.sign() == batch.answers).all(1).float().mean())
        return {self.metric: float((y.double() * batch.answers).mean()), "patterns without an error": exact}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double()

    def baselines(self, task):
        def majority(batch: Batch) -> Tensor:
            return batch.answers.double().sum(0).sign()

        as_it_is = {split: self.score((part := task.split(split)).x[-1].double().sign(), part) for split in SPLITS}
        return {self.chance: same_answer(self, majority, task), "the cue itself": as_it_is}
