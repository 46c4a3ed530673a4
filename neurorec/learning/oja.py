"""Oja's rule: Hebbian growth, and decay with the squared output, which keeps weights finite (Oja 1982)."""

from torch import Tensor

from neurorec.learning.feature_learning import FeatureRule, rules
from neurorec.learning.synapses import Synapses


@rules.register("oja")
class Oja(FeatureRule):
    """The weights of a linear unit converge to the first principal component of its input, of length 1. Every unit of a layer
    finds the same one; `sanger` finds one after the other."""

    title = "Oja's rule"
    sources = ("oja1982",)
    equations = "w_ji += rate <y_j (x_i - y_j w_ji)>;   <>: the mean over the steps and samples of a batch"
    operations_per_synapse = 4  # y w, subtracted from x; times y; added

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        x, y = synapses.pre, synapses.post
        return y.T @ x / len(y) - y.square().mean(0)[:, None] * synapses.weight
