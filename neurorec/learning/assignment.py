"""Scoring layers that learned without targets: a readout of spike counts, or a label per unit."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

from neurorec.engines.engine import Engine
from neurorec.learning.ridge import best_ridge, readout_features, write_readout
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch, accuracy
from neurorec.tasks.in_parts import InParts
from neurorec.tasks.objective import Objective

Name = TypeVar("Name", bound=str)


@torch.no_grad()
def fit_count_readout(
    network: Network, engine: Engine, objective: Objective, train: Batch | InParts, validation: Batch | InParts,
    penalties: list[float],
) -> float:  # fmt: skip
    """Refit the readout by ridge regression on mean activity, so that networks trained by different rules are read out alike.

    Weights are fitted on `train`; the penalty is chosen on `validation` and returned. With a linear readout and a mask over
    all steps, the features are spike counts divided by T.
    """

    def features(data: Batch | InParts) -> Tensor:
        return torch.cat([readout_features(network, engine, part, objective).cpu() for part in data.parts()])

    wanted = objective.wanted(train.samples.to("cpu"), network[network.output].size)
    held_out = features(validation), validation.samples.to("cpu")
    weights, penalty = best_ridge(features(train), wanted, held_out, objective, penalties)
    write_readout(network, weights)
    return penalty


def assign_labels(counts: Tensor, target: Tensor, classes: int) -> Tensor:
    """The class [H] to which each unit responds most, by mean counts [N, H]; -1 for a silent unit."""
    means = torch.stack([counts[target == label].double().mean(0) for label in range(classes)])
    return torch.where(counts.sum(0) > 0, means.nan_to_num(nan=-1.0).argmax(0), -1)


def vote(counts: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Scores [N, classes]: mean count of the units with each label (Diehl & Cook 2015); -1 if there is none."""
    members = torch.nn.functional.one_hot(labels[labels >= 0], classes).double()
    sums = counts[:, labels >= 0].double() @ members
    return torch.where(members.sum(0) > 0, sums / members.sum(0).clamp_min(1), -1.0)


def label_assignment_scores(
    counts_train: Tensor, target_train: Tensor, counts: Mapping[Name, Tensor], targets: Mapping[Name, Tensor]
) -> dict[Name, float]:
    """Accuracy per split when every unit is labelled with the class to which it responded most in the training data."""
    classes = int(target_train.max()) + 1
    labels = assign_labels(counts_train, target_train, classes)
    return {split: accuracy(vote(counts[split], labels, classes), targets[split]) for split in counts}
