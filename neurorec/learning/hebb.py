"""Hebb's rule for rate units, with each unit's weights scaled to the length that they had (Hebb 1949)."""

from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import Counts
from neurorec.learning.feature_learning import FeatureRule, FeatureState, rules
from neurorec.learning.synapses import Synapses


@rules.register("hebb")
class Hebb(FeatureRule):
    """Without scaling, weights would grow without bound. Units do not inhibit each other, and nothing keeps them from learning
    the same feature: that of the strongest correlations, for linear units the first principal component. The rule `hebbian`
    stores patterns in a Hopfield network."""

    title = "Hebb's rule"
    sources = ("hebb1949",)
    equations = (
        "w_j' = w_j + rate <y_j x>;   w_j = w_j' |w_j| / |w_j'|, the length that the weights of unit j had before;\n"
        "<>: the mean over the steps and samples of a batch"
    )
    operations_per_synapse = 2  # a product, and a sum

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """`pre` is x times the learning rate, since the scaling depends on that."""
        w, y = synapses.weight, synapses.post
        grown = w + y.T @ synapses.pre / len(y)
        lengths = torch.stack([w.norm(dim=1), grown.norm(dim=1).clamp_min(torch.finfo(w.dtype).tiny)])
        return grown * (lengths[0] / lengths[1])[:, None] - w

    def change_of(self, state: FeatureState, weight: Tensor, pre: Tensor, post: Tensor) -> Tensor:
        return self.changed(weight, pre=state.learning_rate * pre, post=post)

    @classmethod
    def at_update(cls, layer: Any, updates: int) -> Counts:
        """Two squared lengths per unit, their roots and ratio; and one product per weight."""
        weights = updates * sum(w.numel() for w in (layer.w_in, *layer.recurrent_weights()) if w.requires_grad)
        return Counts(
            macs=2 * weights, dense_macs=2 * weights, elementwise=updates * layer.size,
            nonlinearities=2 * updates * layer.size, weight_reads=2 * weights, weight_writes=weights, weights_scaled=weights,
        )  # fmt: skip
