"""Real-valued targets in every frame."""

from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, counted, fit_ridge, objectives, same_answer, this_frame
from neurorec.tasks.objectives.regression import wrong_values


@objectives.register("step_regression")
class StepRegression(Objective):
    """Mean squared error, averaged over outputs and over masked frames."""

    metric = "mean squared error"
    higher_is_better = False
    chance = "mean target"

    def why_not(self, task) -> str | None:
        if task.target.dim() != 3 or list(task.target.shape[:2]) != list(task.x.shape[:2]):
            return (
                f"targets per frame must be [T, N, O] with [T, N] = {list(task.x.shape[:2])} (got {list(task.target.shape)}); "
                'for one vector per sample use the objective "regression"'
            )
        return wrong_values(task.target)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        answers, target = counted(y, batch)
        return (answers - target).square().mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        return {self.metric: float(self.loss(y.double(), batch))}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double()

    def baselines(self, task):
        found = {
            self.chance: same_answer(self, lambda batch: batch.answers[batch.frame_mask].double().mean(0), task),
            "ridge on the frame": fit_ridge(self, this_frame, task),
        }
        if task.inputs == task.outputs:
            found["persistence"] = {
                split: self.score((part := task.split(split)).x.double(), part) for split in found[self.chance]
            }
        return found
