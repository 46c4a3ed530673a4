"""Hebbian storage: each pattern adds the products of its values to the weights, once (Hopfield 1982)."""

from typing import Any

import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, TrainingCounts
from neurorec.learning.rule import Info, Judgement, Messages, rules
from neurorec.learning.storage import StorageRule
from neurorec.learning.synapses import Synapses
from neurorec.models.energy.hopfield import Hopfield
from neurorec.tasks.batch import Batch


@rules.register("hebbian")
class Hebbian(StorageRule):
    """A pattern is the initial state given by a sample. Units do not relax while patterns are stored; every weight changed by a
    pattern counts as one weight change."""

    title = "Hebbian storage"
    sources = ("hopfield1982",)
    equations = "w_ij += x_i x_j / N for every pattern x of N units, i and j different"
    sees = ("pre", "post")
    needs = capabilities("product update")
    messages = Messages(
        errors=False, signals="none", online=False, sources=("hopfield1982",),
        why="a weight changes with the values of its own two units, which its synapse receives anyway",
    )  # fmt: skip

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, Hopfield):
            return None
        return (
            "it stores patterns in the symmetric weights of a Hopfield network, which this is not; use bptt for layers"
        )

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement(
                "partly",
                "weights are not used for learning, but those of the two directions between units must be equal",
            ),
            Judgement(
                "partly", "there is no second phase, but units must be clamped to the pattern while it is stored"
            ),
            Judgement("partly", "units send +1 or -1; a spike could represent one, and its absence the other"),
            Judgement("relaxed", "patterns are stored without targets"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """No forward pass: units are set, not updated. Each unit scales its value by 1/N once per pattern and sends it to all
        others; each synapse takes one product and one sum. `weight_updates`: single weights changed."""
        values = samples_seen * model.size
        each = Counts(
            values_sent=values,
            elementwise=2 * weight_updates + values,
            weight_reads=weight_updates,
            weight_writes=weight_updates,
            activation_reads=values,
            activation_writes=values,
            plasticity_updates=weight_updates,
        )
        return cls.counted_update(samples_seen, each)

    @staticmethod
    def change(synapses: Synapses) -> torch.Tensor:
        products = (synapses.post.T @ synapses.pre) / len(synapses.weight)
        return products.fill_diagonal_(0)  # no unit has a synapse onto itself

    @torch.no_grad()
    def step(self, model: Hopfield, state: None, batch: Batch) -> tuple[None, Info]:
        patterns = model.start(batch.x)
        model.weight.add_(self.changed(model.weight, pre=patterns, post=patterns))
        return None, Info(loss=None, updates=len(patterns) * model.size * (model.size - 1))
