"""Real-valued targets, one vector per sample; the answer is the mean output over the masked steps."""

from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, all_frames, fit_ridge, objectives, same_answer


def wrong_values(target: Tensor) -> str | None:
    if not target.is_floating_point():
        return f"regression targets must be real numbers (got {str(target.dtype).removeprefix('torch.')}); use .float()"
    return None if target.isfinite().all() else "the targets contain NaN or infinity; remove or fill those values"


@objectives.register("regression")
class Regression(Objective):
    """Mean squared error, averaged over outputs and samples.

    If `within` is given, a further score is the share of samples whose errors are all below it.
    """

    metric = "mean squared error"
    higher_is_better = False
    pooled = True
    chance = "mean target"

    def __init__(self, within: float | None = None) -> None:
        self.within = within

    def why_not(self, task) -> str | None:
        if task.target.dim() != 2:
            return (
                f"regression needs one vector per sample, target [N, O] (got {list(task.target.shape)}); for targets in every "
                'frame use the objective "step_regression"'
            )
        return wrong_values(task.target)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return (y - batch.answers).square().mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        found = {self.metric: float(self.loss(y.double(), batch))}
        if self.within is not None:
            near = ((y - batch.answers).abs() < self.within).all(1)
            found[f"answers within {self.within:g}"] = float(near.float().mean())
        return found

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double()

    def baselines(self, task):
        return {
            self.chance: same_answer(self, lambda batch: batch.answers.double().mean(0), task),
            "ridge on input": fit_ridge(self, all_frames, task),
        }
