"""Pattern storage: each pattern becomes a memory of its own (Krotov & Hopfield 2016)."""

from typing import Any

import torch

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.learning.rule import Info, Judgement, Messages, rules
from neurorec.learning.storage import StorageRule
from neurorec.learning.synapses import Synapses
from neurorec.models.energy.dense_hopfield import DenseHopfield
from neurorec.tasks.batch import Batch


@rules.register("pattern_storage")
class PatternStorage(StorageRule):
    """The first free memory takes the pattern as its weights."""

    title = "pattern storage"
    sources = ("krotov2016",)
    equations = "x_ki = s_i for the next free memory k"
    sees = ("pre",)  # the unit's state; which memory is free follows from the number of patterns stored
    needs = capabilities("product update")
    messages = Messages(
        errors=False, signals="none", online=False, sources=("krotov2016",),
        why="a weight takes the value of its unit, which its synapse receives anyway; memories are taken in order",
    )  # fmt: skip

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, DenseHopfield):
            return None
        return (
            "it writes patterns into the memories of a dense associative memory, which this is not; use bptt for layers"
        )

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("partly", "weights are not used for learning, but those to and from a memory must be equal"),
            Judgement(
                "partly", "there is no second phase, but units must be clamped to the pattern while it is stored"
            ),
            Judgement("kept", "memories send real values"),
            Judgement("relaxed", "patterns are stored without targets"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Each unit sends its state once per pattern; `weight_updates` weights are written."""
        values = samples_seen * model.size
        each = Counts(
            values_sent=values,
            activation_reads=values,
            activation_writes=values,
            weight_writes=weight_updates,
            plasticity_updates=weight_updates,
        )
        return cls.counted_update(samples_seen, each)

    def init(self, model: Any, *_: Any) -> int:
        """The number of memories in use."""
        return int(model.memory.any(1).sum())

    @staticmethod
    def change(synapses: Synapses) -> torch.Tensor:
        return synapses.pre - synapses.weight

    @torch.no_grad()
    def step(self, model: DenseHopfield, state: int, batch: Batch) -> tuple[int, Info]:
        patterns = model.start(batch.x)
        if state + len(patterns) > len(model.memory):
            raise RunFailed(
                f"{model.title}: {state + len(patterns)} patterns do not fit into {len(model.memory)} memories; raise "
                "`patterns` in the card, or store fewer"
            )
        for k, pattern in enumerate(patterns, start=state):
            model.memory[k : k + 1] += self.changed(model.memory[k : k + 1], pre=pattern[None])
        return state + len(patterns), Info(loss=None, updates=patterns.numel())
