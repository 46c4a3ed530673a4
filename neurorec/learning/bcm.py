"""BCM: potentiation above a threshold that slides with the unit's own activity (Bienenstock, Cooper & Munro 1982)."""

from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.numbers import Share
from neurorec.learning.feature_learning import FeatureCard, FeatureRule, FeatureState, rules
from neurorec.learning.synapses import Synapses


class BCMCard(FeatureCard):
    threshold_rate: Share  #: share by which the threshold approaches the mean squared output, at every update


@rules.register("bcm")
class BCM(FeatureRule):
    """With N patterns that are linearly independent and equally frequent, a unit comes to answer one of them with N, and the
    others with 0: it selects. The threshold must follow the output faster than weights change."""

    Card = BCMCard
    title = "BCM"
    sources = ("bienenstock1982",)
    equations = (
        "w_ji += rate <x_i y_j (y_j - theta_j)>;   theta_j += threshold_rate (<y_j^2> - theta_j);\n"
        "<>: the mean over the steps and samples of a batch"
    )
    operations_per_synapse = 2  # a product, and a sum
    operations_per_unit = 4  # y (y - theta); y^2 and its sum
    card: BCMCard

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        y, theta = synapses.post.unbind(2)
        return (y * (y - theta)).T @ synapses.pre / len(y)

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """As declared per synapse and unit. In every step a unit reads its threshold and changes its sum of squared outputs; at
        every update, the threshold moves towards their mean."""
        plain = super().count_training(model, forward, samples_seen, weight_updates)
        ((name, layer),) = model.hidden.items()
        runs, moved = forward.sample_steps * layer.size, weight_updates * layer.size
        each = Counts(trace_reads=2 * runs, trace_writes=runs, trace_updates=runs)
        moves = Counts(elementwise=4 * moved, trace_reads=2 * moved, trace_writes=2 * moved, trace_updates=moved)
        update = forward.over(samples_seen, LayerCounts({name: each})) + LayerCounts({name: moves})
        stores = (*plain.stores, Store(name, "trace", 2 * layer.size))  # threshold, and sum of squares
        return cls.counted(forward, samples_seen, LayerCounts(), plain.phases["update"] + update, stores)

    def change_of(self, state: FeatureState, weight: Tensor, pre: Tensor, post: Tensor) -> Tensor:
        squared = post.square().mean(0)
        before = squared if state.threshold is None else state.threshold
        state.threshold = before.lerp(squared, self.card.threshold_rate)
        own = torch.stack([post, state.threshold.expand_as(post)], 2)
        return state.learning_rate * self.changed(weight, pre=pre, post=own)
