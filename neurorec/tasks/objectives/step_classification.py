"""A class label in every frame."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective, counted, fit_ridge, objectives, same_answer, this_frame
from neurorec.tasks.objectives.classification import one_of, wrong_labels


@objectives.register("step_classification")
class StepClassification(Objective):
    """Cross-entropy and accuracy over all masked frames.

    With `trace_frames`, there is a baseline that remembers without a network: ridge regression on the frame and on its
    exponential traces with these time constants, in frames.
    """

    metric = "accuracy"

    def __init__(self, trace_frames: tuple[float, ...] = ()) -> None:
        self.trace_frames = trace_frames

    def why_not(self, task) -> str | None:
        if list(task.target.shape) != list(task.x.shape[:2]):
            return (
                f"labels in every frame need a target [T, N] = {list(task.x.shape[:2])} (got {list(task.target.shape)}); for "
                'one label per sample use the objective "classification"'
            )
        return wrong_labels(task.target, task.outputs)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return torch.nn.functional.cross_entropy(*counted(y, batch))

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        right = (y.argmax(2) == batch.answers) | ~batch.frame_mask
        whole = float(right.all(0).float().mean())
        return {self.metric: float(right[batch.frame_mask].float().mean()), "sequences without an error": whole}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=-1)

    def fed_back(self, batch: Batch, outputs: int) -> Tensor:
        return one_of(batch.answers, outputs, off=0)

    def baselines(self, task):
        def most_frequent(batch: Batch) -> Tensor:
            return torch.bincount(batch.answers[batch.frame_mask], minlength=task.outputs).double()

        def traces(batch: Batch) -> Tensor:
            return exponential_traces(batch, self.trace_frames)

        remembering = {"ridge on exponential traces": fit_ridge(self, traces, task)} if self.trace_frames else {}
        return {
            self.chance: same_answer(self, most_frequent, task, of_split=True),
            "ridge on the frame": fit_ridge(self, this_frame, task),
            **remembering,
        }


def exponential_traces(batch: Batch, time_constants: Sequence[float]) -> Tensor:
    """Each frame with its traces e_t = e_{t-1} exp(-1/tau) + x_t, and a constant one last: [F, B, (1 + taus) I + 1]."""
    from scipy.signal import lfilter

    x = batch.x.numpy()
    traces = [lfilter([1.0], [1.0, -math.exp(-1 / tau)], x, axis=0) for tau in time_constants]
    return torch.from_numpy(np.concatenate([x, *traces, np.ones_like(x[..., :1])], axis=2)).to(batch.x.dtype)
