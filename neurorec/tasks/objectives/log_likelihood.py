"""Unsupervised: a model of the distribution from which patterns of 0 and 1 were drawn."""

import math

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives

BELOW = "nats below the true distribution"
ERROR = "standard error of log Z"
SHARES = (0.001, 0.01, 0.1, 0.5)  #: of independent inputs in the baseline that remembers the training patterns


@objectives.register("log_likelihood")
class LogLikelihood(Objective):
    """Mean log probability of a sample's last frame. Answers y [B, 1] are log probabilities under the model.

    A second column of y is the standard error of log Z, if that is an estimate. The targets [N, 1] are the log probabilities
    under the true distribution (NaN: unknown), for scores only: no rule may learn from them. On samples that represent the
    true distribution exactly, the difference is the Kullback-Leibler divergence of the model from it.
    """

    metric = "log-likelihood"
    unit = "nats/sample"
    pooled = True
    of_density = True
    offers = ("none",)
    chance = "independent inputs"

    def why_not(self, task) -> str | None:
        if list(task.target.shape) != [task.x.shape[1], 1] or (task.target > 0).any():
            return (
                f"log-likelihood needs the log probability of every sample under the true distribution (NaN: unknown), "
                f"[N, 1] = {[task.x.shape[1], 1]}, none above 0 (got {list(task.target.shape)})"
            )
        if not ((task.x[-1] == 0) | (task.x[-1] == 1)).all():
            return "log-likelihood needs patterns of 0 and 1 in the last frame; binarise the data first"
        return None

    def sense(self, score: str) -> tuple[str, bool]:
        return (self.unit, False) if score in (BELOW, ERROR) else super().sense(score)

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return -y[:, 0].mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        mean, truth = float(y[:, 0].double().mean()), float(batch.answers.double().mean())
        found = {self.metric: mean} | ({} if math.isnan(truth) else {BELOW: truth - mean})
        return found | ({ERROR: float(y[0, 1])} if y.shape[1] == 2 else {})

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        """Where the true distribution is unknown, shares of the patterns: no density gives these samples a higher score."""
        _, number, count = torch.unique(batch.x[-1], dim=0, return_inverse=True, return_counts=True)
        share = (count[number].double() / batch.size).log()[:, None]
        return torch.where(batch.answers.isnan(), share, batch.answers.double())

    def baselines(self, task):
        train = task.split("train").x[-1].double()
        mixed = {share: self._scored(task, lambda x, s=share: remembered(train, x, s)) for share in SHARES}
        best = max(SHARES, key=lambda share: mixed[share]["validation"])
        return {self.chance: self._scored(task, lambda x: independent(train, x)), "training patterns": mixed[best]}

    def _scored(self, task, density) -> dict[Split, float]:
        found: dict[Split, float] = {}
        for split in SPLITS:
            part = task.split(split)
            found[split] = self.score(density(part.x[-1].double())[:, None], part)
        return found


def independent(train: Tensor, x: Tensor) -> Tensor:
    """Log probability [B] of x [B, I] if every input is 1 as often as in the training patterns, by itself; an input that never
    varies there counts as seen once more each way."""
    mean = train.mean(0)
    mean = torch.where((mean == 0) | (mean == 1), (train.sum(0) + 1) / (len(train) + 2), mean)
    return (x * mean.log() + (1 - x) * (1 - mean).log()).sum(1)


def remembered(train: Tensor, x: Tensor, share: float) -> Tensor:
    """A mixture of the training patterns, each as probable as it is frequent, and a share of independent inputs."""
    patterns, counts = train.unique(dim=0, return_counts=True)
    frequent = ((x @ patterns.T + (1 - x) @ (1 - patterns).T) == x.shape[1]).double() @ (counts / len(train)).double()
    return ((1 - share) * frequent + share * independent(train, x).exp()).log()
