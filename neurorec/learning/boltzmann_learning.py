"""Boltzmann learning: correlations with the data clamped against those of the machine running free (Ackley et al. 1985)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Phase, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.basics.numbers import Repeats
from neurorec.engines.relaxation import UNITS
from neurorec.learning.persistent_contrastive_divergence import (
    PersistentContrastiveDivergence,
    PersistentContrastiveDivergenceCard,
)
from neurorec.learning.rule import OBJECTIONS, Info, Judgement, rules
from neurorec.learning.synapses import Synapses
from neurorec.models.energy.boltzmann import Boltzmann
from neurorec.tasks.batch import Batch


class BoltzmannLearningCard(PersistentContrastiveDivergenceCard):
    clamped_sweeps: Repeats  #: of the hidden units, starting at random


@rules.register("boltzmann_learning")
class BoltzmannLearning(PersistentContrastiveDivergence):
    """All statistics are computed from sampled states. The free phase uses persistent chains, not annealing as in 1985."""

    Card = BoltzmannLearningCard
    title = "Boltzmann learning"
    sources = ("ackley1985",)
    equations = (
        "w_ij += rate (<s_i s_j>_clamped - <s_i s_j>_free) / T, biases alike;\n"
        "<>_clamped: visible units set to the data; <>_free: all units sampled, by chains that are never restarted"
    )
    card: BoltzmannLearningCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, Boltzmann):
            return None
        return "it compares the states of all pairs of units of a Boltzmann machine, which this is not; use bptt for layers"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        found = dict(zip(OBJECTIONS, super().judgements(model), strict=True))
        sent = "spikes" if model.output_signal == "spikes" else "0 or 1"
        found["real values between neurons"] = Judgement("relaxed", f"units send {sent} in both phases")
        return tuple(found.values())

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, chains: int = 0
    ) -> TrainingCounts:
        """`weight_updates`: redrawn units, clamped and free; `chains`: chains, summed over updates. Every clamped sample and
        every chain changes each weight once."""
        if model.output_signal == "spikes":
            raise CannotRun(f"rule {cls.title} does not count the events that {model.title} sends while it learns")
        counts = _counts(model, samples_seen + chains, weight_updates)
        nothing, update = LayerCounts(), LayerCounts({UNITS: counts})
        phases: dict[Phase, LayerCounts] = {"forward": nothing, "backward": nothing, "update": update}
        return TrainingCounts(cls.title, samples_seen, phases, ())

    def step(self, model: Boltzmann, state: Any, batch: Batch) -> tuple[Any, Info]:
        after, info = super().step(model, state, batch)
        hidden = model.size - model.visible
        redrawn = info.updates * model.size + batch.size * self.card.clamped_sweeps * hidden
        return after, Info(None, redrawn, info.more)

    def clamped(self, model: Any, batch: Batch, generator: torch.Generator) -> Tensor:
        states, hidden = model.start(batch.x), slice(model.visible, model.size)
        drawn = torch.randint(2, states[:, hidden].shape, generator=generator)
        states[:, hidden] = drawn.to(states)
        for _ in range(self.card.clamped_sweeps):
            for unit in range(model.visible, model.size):
                states = model.update(states, unit, generator)
        return states

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        products = PersistentContrastiveDivergence.change(synapses)
        return products if products.dim() == 1 else products.fill_diagonal_(0)  # no unit has a synapse onto itself

    def shown(self, model: Any, states: Tensor) -> tuple[Mapping[str, Tensor], ...]:
        on = model.active(states)
        return {"post": on, "pre": on}, {"post": on}


def _counts(model: Boltzmann, phases: int, redrawn: int) -> Counts:
    changes = phases * model.parameter_count
    macs = redrawn * (model.size - 1)
    return Counts(
        macs=macs,
        dense_macs=macs,
        neuron_updates=redrawn,
        values_sent=redrawn,
        elementwise=3 * redrawn + 2 * changes,  # bias, random number, comparison; product (or rate times value), sum
        nonlinearities=redrawn,
        weight_reads=macs + changes,
        weight_writes=changes,
        state_reads=redrawn,
        state_writes=redrawn,
        activation_reads=redrawn,
        activation_writes=redrawn,
        plasticity_updates=changes,
    )
