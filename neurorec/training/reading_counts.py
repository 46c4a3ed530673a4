"""Networks that learned without targets are read out afterwards: a readout of spike counts, or a label per unit."""

from collections.abc import Sequence
from typing import Any

import torch

from neurorec.learning.assignment import fit_count_readout, label_assignment_scores
from neurorec.learning.rule import Rule, hidden_layer
from neurorec.tasks.task import SPLITS, Split
from neurorec.training.course import Course, Samples


@torch.no_grad()
def read_counts(
    network: Any, method: Rule, engine: Any, course: Course, learned: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Refit the readout on spike counts if the card requests it; rules without targets are also scored by label assignment."""
    if not isinstance(course, Samples):
        return {}
    data, card = course.data, method.card
    if card.count_readout_penalties is not None:
        learned["penalty"] = fit_count_readout(
            network, engine, course.task.objective, data["train"], data["validation"], card.count_readout_penalties
        )
    if not method.read_by_labels:
        return {}
    scores = scores_by_labels(network, engine, course, SPLITS)
    return {f"{course.task.objective.metric} (label assignment)": scores}  # type: ignore[dict-item]


@torch.no_grad()
def scores_by_labels(network: Any, engine: Any, course: Samples, splits: Sequence[Split]) -> dict[Split, float]:
    """Accuracy on these splits, of which "train" is one, when every unit gets the label to which it responded most."""
    layer, data = hidden_layer(network), course.data

    def spikes(split: Split) -> torch.Tensor:
        parts = (part.x for part in data[split].parts())
        return torch.cat([engine.weighted_sums(layer, x, x.new_ones(1, len(x)))[0] for x in parts])

    counts = {split: spikes(split) for split in splits}
    targets = {split: data[split].samples.answers for split in splits}
    return label_assignment_scores(counts["train"], targets["train"], counts, targets)  # type: ignore[return-value]
