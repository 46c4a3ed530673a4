"""Independent bits in every frame (notes of a chord, legal next symbols)."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, counted, fit_ridge, objectives, same_answer, this_frame


@objectives.register("independent_bits")
class IndependentBits(Objective):
    """Binary cross-entropy, in nats per frame, summed over the bits; an output above 0 means "true"."""

    metric = "cross-entropy"
    unit = "nats/frame"
    higher_is_better = False
    chance = "frequency of each bit"

    def why_not(self, task) -> str | None:
        if task.target.dim() != 3 or list(task.target.shape[:2]) != list(task.x.shape[:2]):
            return f"bits need targets [T, N, O] with [T, N] = {list(task.x.shape[:2])} (got {list(task.target.shape)})"
        if not task.target.is_floating_point() or not ((task.target == 0) | (task.target == 1)).all():
            return "bits must be floating-point numbers 0 and 1"
        return None

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        answers, bits = counted(y, batch)
        each = torch.nn.functional.binary_cross_entropy_with_logits(answers, bits.to(answers.dtype), reduction="none")
        return each.sum(1).mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        answers, bits = counted(y, batch)
        return {
            self.metric: float(self.loss(y.double(), batch)),
            "bit accuracy": float(((answers > 0) == (bits > 0.5)).float().mean()),
        }

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double() * 2 - 1

    def fed_back(self, batch: Batch, outputs: int) -> Tensor:
        return batch.answers.double()

    def baselines(self, task):
        def frequency(batch: Batch) -> Tensor:
            bits = batch.answers[batch.frame_mask].double()
            return ((bits.sum(0) + 1) / (len(bits) + 2)).logit()  # Laplace smoothing keeps it finite

        return {
            self.chance: same_answer(self, frequency, task),
            "ridge on the frame": fit_ridge(self, this_frame, task),
        }
