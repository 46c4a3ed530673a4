"""One-shot classification: a new class must be recognised after a single example of it."""

import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives, same_answer

CLASS, RUN, ROLE = range(3)  #: columns of the target
NO_RUN = -1
FORM = (
    "one-shot classification needs a target of three integers per sample, [N, 3]: its class, its run (-1 for none), and 1 for "
    "a run's training sample or 0 for a test sample"
)


@objectives.register("one_shot")
class OneShot(Objective):
    """Answers are points y [B, O]; in a run, a test sample gets the class of the training sample that is closest to it.

    The loss needs no runs: for every sample i with others of its class in the batch, it is -log of the probability that a
    neighbour j, drawn with p_ij proportional to exp(-|y_i - y_j|^2), has the class of i (neighbourhood components analysis).
    Training and test classes may differ.
    """

    metric = "error"
    higher_is_better = False
    pooled = True
    offers = ("errors",)

    def why_not(self, task) -> str | None:
        target = task.target
        if target.dim() != 2 or target.shape[1] != 3 or target.is_floating_point() or target.dtype == torch.bool:
            kind = str(target.dtype).removeprefix("torch.")
            return f"{FORM} (got {kind} {list(target.shape)})"
        if not ((target[:, ROLE] == 0) | (target[:, ROLE] == 1)).all() or int(target[:, RUN].min()) < NO_RUN:
            return f"{FORM} (got runs from {int(target[:, RUN].min())}, roles up to {int(target[:, ROLE].max())})"
        for split in SPLITS:
            reason = wrong_runs(target[torch.as_tensor(task.splits[split])])
            if reason is not None:
                return f"one-shot classification, {split} split: {reason}"
        return None

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        labels = batch.answers[:, CLASS]
        same = labels[:, None] == labels
        same.fill_diagonal_(False)
        known = same.any(1)
        if not known.any():
            return y.sum() * 0
        squares = y.square().sum(1)
        near = (2 * y[known] @ y.T - squares[known, None] - squares).masked_fill(
            torch.eye(len(y), dtype=torch.bool, device=y.device)[known], -torch.inf
        )
        return (near.logsumexp(1) - near.masked_fill(~same[known], -torch.inf).logsumexp(1)).mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        """Raises `InputError` if no run of the batch has both training and test samples."""
        tests, chosen = choices(y, batch.answers)
        if not len(tests):
            raise InputError("none of these samples belong to a run with training and test samples; use more samples")
        labels = batch.answers[:, CLASS]
        return {self.metric: float((labels[chosen] != labels[tests]).double().mean())}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        """A random point per class."""
        labels = batch.answers[:, CLASS]
        points = numpy_generator(0, "points of classes").standard_normal((int(labels.max()) + 1, outputs))
        return torch.from_numpy(points).to(labels.device)[labels]

    def baselines(self, task):
        pixels: dict[Split, float] = {}
        for split in SPLITS:
            part = task.split(split)
            pixels[split] = self.score(part.x.transpose(0, 1).flatten(1), part)
        anything = same_answer(self, lambda batch: torch.zeros(task.outputs), task)
        return {self.chance: anything, "nearest neighbour on input": pixels}


def choices(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The test samples of all runs, and the training sample of its run that is closest to each (the first in case of a tie)."""
    tests, chosen = [], []
    for run in target[:, RUN].unique().tolist():
        members = (target[:, RUN] == run).nonzero()[:, 0]
        training, test = (members[target[members, ROLE] == role] for role in (1, 0))
        if run == NO_RUN or not len(training) or not len(test):
            continue
        apart = (y[test].double()[:, None] - y[training].double()).square().sum(2)
        tests.append(test)
        chosen.append(training[apart.argmin(1)])
    nothing = target.new_zeros(0)
    return torch.cat([nothing, *tests]), torch.cat([nothing, *chosen])


def wrong_runs(target: Tensor) -> str | None:
    """Why the runs of a split cannot be scored, or None."""
    runs = [run for run in target[:, RUN].unique().tolist() if run != NO_RUN]
    if not runs:
        return "it has no run; give some of its samples a run"
    for run in runs:
        members = target[target[:, RUN] == run]
        training, test = (members[members[:, ROLE] == role, CLASS] for role in (1, 0))
        if len(training.unique()) < max(2, len(training)):
            return f"run {run} must have one training sample for each of its classes, and at least two of them"
        unseen = test[~torch.isin(test, training)]
        if not len(test):
            return f"run {run} has no test sample; correct its roles"
        if len(unseen):
            return (
                f"run {run} has a test sample of class {int(unseen[0])} without a training sample; correct its classes"
            )
    return None
