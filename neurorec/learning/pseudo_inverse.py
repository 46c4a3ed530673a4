"""Pseudo-inverse storage: weights project onto the patterns, however similar these are (Personnaz, Guyon & Dreyfus 1985)."""

from typing import Any

import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, TrainingCounts
from neurorec.learning.rule import Info, Judgement, Messages, rules
from neurorec.learning.storage import StorageRule
from neurorec.models.energy.hopfield import Hopfield
from neurorec.tasks.batch import Batch


@rules.register("pseudo_inverse")
class PseudoInverse(StorageRule):
    """Every stored pattern is a fixed point, unless the patterns span the state of a single unit, as N independent ones do.
    Weights of units to themselves are left out, as the Hopfield network has none."""

    title = "pseudo-inverse storage"
    sources = ("personnaz1985",)
    equations = "W = X^+ X without its diagonal; the rows of X [K, N] are the patterns, X^+ is its pseudo-inverse"
    sees = ("whole graph",)  # every weight depends on all patterns at all units
    needs = capabilities("linear solve")
    messages = Messages(
        errors=False, signals="none", online=False, sources=("personnaz1985",),
        why="every part receives the values of all units anyway, and inverts the products of the patterns for itself",
    )  # fmt: skip
    whole_split = True

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, Hopfield):
            return None
        return "it computes the symmetric weights of a Hopfield network, which this is not; use bptt for layers"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("partly", "weights are not used for learning, but those in both directions must be equal"),
            Judgement("kept", "learning is a separate phase, in which all patterns are known at once"),
            Judgement("partly", "units send +1 or -1; a spike could represent one, and its absence the other"),
            Judgement("relaxed", "patterns are stored without targets"),
        )  # fmt: skip

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """K patterns of N units: the products of all pairs of patterns, K^2 N; a factorisation, K^3 / 3, and two triangular
        solutions, K^2 N, for X^+; and X^+ X, K N^2 multiply-accumulates, each reading and writing one sum. `weight_updates`:
        single weights written."""
        K, N = samples_seen, model.size
        macs = 2 * K * K * N + K**3 // 3 + K * N * N
        each = Counts(
            macs=macs,
            dense_macs=macs,
            activation_reads=K * N,
            gradient_reads=macs,
            gradient_writes=macs,
            weight_writes=weight_updates,
        )
        return cls.counted_update(samples_seen, each)

    @torch.no_grad()
    def step(self, model: Hopfield, state: None, batch: Batch) -> tuple[None, Info]:
        patterns = model.start(batch.x).double()
        weight = torch.linalg.pinv(patterns) @ patterns
        weight = (weight + weight.T) / 2  # exactly symmetric, so that no update raises the energy
        model.weight.copy_(weight.fill_diagonal_(0))
        return None, Info(loss=None, updates=model.size * (model.size - 1))
