"""Unsupervised: a lower bound on the probability that a model with a random code assigns to images."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Objective, Split, objectives
from neurorec.tasks.objectives.log_likelihood import independent


@objectives.register("evidence_lower_bound")
class EvidenceLowerBound(Objective):
    """Mean of the evidence lower bound, computed with one draw of the code per sample.

    Answers y [B, 1] are lower bounds on the log probability of the targets [N, K], bits, which the model also reads."""

    metric = "evidence lower bound"
    unit = "nats/sample"
    pooled = True
    of_density = True
    offers = ("errors",)
    chance = "independent pixels"

    def why_not(self, task) -> str | None:
        if task.target.dim() != 2 or not ((task.target == 0) | (task.target == 1)).all():
            return (
                f"the evidence lower bound needs bits 0 and 1 as targets, [N, K] (got {list(task.target.shape)}); binarise the "
                "data first"
            )
        return None

    def loss(self, y: Tensor, batch: Batch) -> Tensor:
        return -y.mean()

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        return {self.metric: float(y.double().mean())}

    def wanted(self, batch: Batch, outputs: int) -> Tensor:
        """The log probability of what is certain."""
        return torch.zeros(batch.size, 1, dtype=torch.float64)

    def baselines(self, task):
        train = task.split("train").answers.double()
        found: dict[Split, float] = {}
        for split in SPLITS:
            part = task.split(split)
            found[split] = self.score(independent(train, part.answers.double())[:, None], part)
        return {self.chance: found}
