"""The contract of an objective, which defines what a good answer is. One objective per file in `objectives/`.

An objective turns the outputs of a model into a loss, which rules may minimise, and into scores for the report. It defines
which score is the metric, its unit and direction, and the trivial baselines that every score should beat. It does not
depend on the network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.basics.least_squares import Moments
from neurorec.basics.registry import Registry
from neurorec.tasks.batch import Batch, frame_means, masked_mean
from neurorec.tasks.earnings import Earnings

if TYPE_CHECKING:
    from neurorec.tasks.array_task import ArrayTask

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Teaching = Literal["none", "reward", "outputs", "errors"]  #: what a rule learns from, besides its inputs
Scores = Mapping[str, float]
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)

objectives: Registry[type[Objective]] = Registry("objective")


class Objective(ABC):
    """Loss and scores of answers y: [B, O], or [F, B, O] with an answer per frame.

    Attributes
    ----------
    metric, unit, higher_is_better : of the score by which models are compared and selected
    pooled : whether the answer is the mean output over the masked steps (engines then store no output per step)
    labelled : whether every sample has one class label
    of_density : whether an answer [B, 1] is the log probability of the sample itself (or a lower bound), instead of an output
    offers : signals from which rules may learn; other rules are refused before they start
    chance : name of the baseline that always gives the same answer
    """

    metric: ClassVar[str]
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    pooled: ClassVar[bool] = False
    labelled: ClassVar[bool] = False
    of_density: ClassVar[bool] = False
    offers: ClassVar[tuple[Teaching, ...]] = ("none", "outputs", "errors")
    chance: ClassVar[str] = "chance"

    @abstractmethod
    def why_not(self, task: ArrayTask) -> str | None:
        """Why the targets of `task` (their shape, type or range) do not fit, or None if they do."""

    @abstractmethod
    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        """The loss of answers y, a scalar differentiable in y."""

    @abstractmethod
    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        """Scores by name; the first is the metric."""

    @abstractmethod
    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        """The output of a perfect model, in the shape of y, for least squares."""

    def fed_back(self, batch: Batch, outputs: int) -> Tensor:
        """What a feedback wire from the output of a perfect model would carry, in the shape of y, for teacher forcing."""
        return self.wanted(batch, outputs)

    @abstractmethod
    def baselines(self, task: ArrayTask) -> dict[str, dict[Split, float]]:
        """The metric per split of trivial models, by name; `chance` first."""

    def answers(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Outputs of all steps [T, B, O] to answers."""
        return masked_mean(outputs, batch.mask) if self.pooled else frame_means(outputs, batch.steps_per_frame)

    def rewards(self, answers: Tensor, batch: Batch) -> Tensor:
        """What one answer per sample [B], drawn by the network, earns: [B]. For objectives that offer "reward"."""
        raise NotImplementedError(f"{type(self).__name__} offers no rewards")

    def without_targets(self, batch: Batch) -> Batch:
        """The samples as shown to a rule that learns from rewards: of their targets, it is told only the `earnings` of one
        answer."""
        return replace(batch, target=None, earnings=Earnings(lambda answers: self.rewards(answers, batch)))

    def sense(self, score: str) -> tuple[str, bool]:
        """Unit and direction of a score; scores other than the metric are shares of correct answers."""
        return (self.unit, self.higher_is_better) if score == self.metric else ("", True)

    def score(self, y: Tensor, batch: Batch) -> float:
        return self.scores(y, batch)[self.metric]

    def is_better(self, score: float, than: float) -> bool:
        """Equal scores count as better, so that the later model is kept."""
        return score >= than if self.higher_is_better else score <= than

    def require(self, task: ArrayTask) -> None:
        reason = self.why_not(task)
        if reason is not None:
            raise CannotRun(f"task {task.name}: {reason}")


def counted(y: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Answers [N, O] and targets [N] or [N, O] in the masked frames of y [F, B, O]."""
    return y[batch.frame_mask], batch.answers[batch.frame_mask]


def fit_ridge(
    objective: Objective, features: Callable[[Batch], Tensor], task: ArrayTask, penalties: tuple[float, ...] = PENALTIES
) -> dict[Split, float]:
    """The metric per split of ridge regression from features [N, K] (or [F, B, K]) to `wanted`; the penalty is chosen on the
    validation split (the largest in case of a tie)."""
    train, held_out = task.split("train"), task.split("validation")
    X, Y = features(train), objective.wanted(train, task.outputs)
    if not objective.pooled:
        X, Y = X[train.frame_mask], Y[train.frame_mask]
    moments, known, best = Moments.of(X, Y), features(held_out).double(), None
    for penalty in sorted(penalties):
        weights = moments.ridge(penalty)
        score = objective.score(known @ weights.T, held_out)
        if best is None or objective.is_better(score, best[0]):
            best = (score, weights)
    weights = best[1] if best is not None else torch.empty(0)
    return {split: objective.score(features(part := task.split(split)).double() @ weights.T, part) for split in SPLITS}


def all_frames(batch: Batch) -> Tensor:
    """All frames of a sample concatenated, with a constant one last: [B, T I + 1]."""
    x = batch.x.permute(1, 0, 2).flatten(1)
    return torch.cat([x, x.new_ones(x.shape[0], 1)], dim=1)


def this_frame(batch: Batch) -> Tensor:
    """Each frame by itself, with a constant one last: [F, B, I + 1]. Contains no memory of earlier frames."""
    return torch.cat([batch.x, batch.x.new_ones(*batch.x.shape[:2], 1)], dim=2)


def same_answer(
    objective: Objective, answer: Callable[[Batch], Tensor], task: ArrayTask, of_split: bool = False
) -> dict[Split, float]:
    """The metric per split of one constant answer [O], determined on the training split (or on each split itself)."""
    found: dict[Split, float] = {}
    for split in SPLITS:
        part = task.split(split)
        y = answer(part if of_split else task.split("train"))
        shape = (part.size, task.outputs) if objective.pooled else (len(part.x), part.size, task.outputs)
        found[split] = objective.score(y.expand(shape), part)
    return found
