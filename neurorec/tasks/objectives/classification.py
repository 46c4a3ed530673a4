"""One class label per sample; the answer is the mean output over the masked steps."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch, accuracy
from neurorec.tasks.objective import Objective, all_frames, fit_ridge, objectives, same_answer


def wrong_labels(target: Tensor, outputs: int) -> str | None:
    """Why class labels are invalid, or None."""
    if target.is_floating_point() or target.dtype == torch.bool:
        return f"class labels must be integers (got {str(target.dtype).removeprefix('torch.')}); use .long()"
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < outputs:
        return f"class labels must be in 0..{outputs - 1} (got {int(target.min())} to {int(target.max())})"
    return None


def one_of(target: Tensor, outputs: int, off: float) -> Tensor:
    """1 for the correct class and `off` for the others."""
    return torch.nn.functional.one_hot(target, outputs).double() * (1 - off) + off


@objectives.register("classification")
class Classification(Objective):
    """Cross-entropy of the mean output; accuracy. Rules that learn from rewards draw a class, which earns 1 if it is correct.

    With `segments`, the baseline is ridge regression on the means over so many equal parts of each sample, for samples of
    unequal lengths.
    """

    metric = "accuracy"
    pooled = True
    labelled = True
    offers = ("none", "reward", "outputs", "errors")

    def __init__(self, segments: int = 0) -> None:
        self.segments = segments

    def why_not(self, task) -> str | None:
        if task.target.dim() != 1:
            return (
                f"classification needs one label per sample, target [N] (got {list(task.target.shape)}); for labels in every "
                'frame use the objective "step_classification"; convert one-hot targets to labels with argmax'
            )
        return wrong_labels(task.target, task.outputs)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(y, batch.answers)

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        return {self.metric: accuracy(y, batch.answers)}

    def rewards(self, answers: Tensor, batch: Batch) -> Tensor:
        """1 for the correct class, else 0."""
        return (answers == batch.answers).to(batch.x.dtype)

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=-1)

    def fed_back(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=0)

    def baselines(self, task):
        def most_frequent(batch: Batch) -> Tensor:
            return torch.bincount(batch.answers, minlength=task.outputs).double()

        return {
            self.chance: same_answer(self, most_frequent, task, of_split=True),
            **self._ridge(task),
        }

    def _ridge(self, task) -> dict:
        if not self.segments:
            return {"ridge on input": fit_ridge(self, all_frames, task)}

        def parts(batch: Batch) -> Tensor:
            return segment_means(batch, self.segments)

        return {f"ridge on {self.segments} segments": fit_ridge(self, parts, task)}


def segment_means(batch: Batch, segments: int) -> Tensor:
    """Means of the frames of each of so many equal parts of every sample, with a constant one last: [B, segments I + 1]. A
    frame on the border of two parts counts in both, in proportion."""
    T, B, _ = batch.x.shape
    lengths = torch.full((B,), T) if batch.lengths is None else batch.lengths
    t = torch.arange(T)[:, None].double()
    ends = lengths.double() / segments
    shares = [((t + 1).minimum((k + 1) * ends) - t.maximum(k * ends)).clamp_min(0) / ends for k in range(segments)]
    found = [torch.einsum("tb,tbi->bi", share, batch.x.double()) for share in shares]
    return torch.cat([*found, torch.ones(B, 1, dtype=torch.float64)], 1)
