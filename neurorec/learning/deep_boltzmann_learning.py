"""Learning in deep Boltzmann machines: layer by layer, then all layers together, by mean field and persistent chains
(Salakhutdinov & Hinton 2009)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import ForwardPass, LayerCounts, Phase, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import CountOrZero, LearningRate
from neurorec.engines.relaxation import UNITS
from neurorec.learning.contrastive_divergence import Chains
from neurorec.learning.pair_update import pair_update, update_counts
from neurorec.learning.persistent_contrastive_divergence import (
    PersistentContrastiveDivergence,
    PersistentContrastiveDivergenceCard,
)
from neurorec.learning.rule import Info, Judgement, rules
from neurorec.models.energy.deep_boltzmann import DeepBoltzmann
from neurorec.models.energy.sampling import drawn
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class DeepBoltzmannLearningCard(PersistentContrastiveDivergenceCard):
    pretraining_updates: CountOrZero  #: of each pair of layers, from the bottom, before all learn together
    pretraining_rate: LearningRate


@dataclass(frozen=True)
class DeepChains(Chains):
    pretrained: int = 0  #: updates so far


@rules.register("deep_boltzmann_learning")
class DeepBoltzmannLearning(PersistentContrastiveDivergence):
    """Before all layers learn together, each pair of layers is trained by CD-1 as a restricted Boltzmann machine. Inputs to the
    upper units are doubled, except at the top, and inputs to the lower units are doubled, except at the bottom: this makes up
    for the neighbouring layers that are still missing."""

    Card = DeepBoltzmannLearningCard
    title = "deep Boltzmann learning"
    sources = ("salakhutdinov2009",)
    equations = (
        "W_l += rate (<m_l m_l+1'>_data - <x_l x_l+1'>_chains) / T, biases alike;\n"
        "<>_data: mean field of the hidden layers, with visible units set to the data;\n"
        "<>_chains: after k more sweeps of chains that are never restarted"
    )
    reports = ("chains", "clamped", "pretraining_macs", "pretraining_units", "pretraining_changes")
    card: DeepBoltzmannLearningCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, DeepBoltzmann):
            return None
        return "it trains the layers of a deep Boltzmann machine, which this is not; use bptt for networks of layers"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        *others, values, targets = super().judgements(model)
        why = "units send 0 or 1 in the chains; with the data, hidden units send probabilities"
        return *others, replace(values, why=why), targets

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, chains: int = 0, clamped: int = 0,
        pretraining_macs: int = 0, pretraining_units: int = 0, pretraining_changes: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """`weight_updates`: sweeps of single chains; `chains` and `clamped`: states of chains and samples that entered the
        statistics, each of which changes every number once. A sample takes all sweeps of mean field."""
        sweep, sizes, rounds = model.operations(), [model.visible, *model.card.hidden], model.card.mean_field_sweeps
        pairs = sum(one * other for one, other in pairwise(sizes))
        hidden = model.size - model.visible
        heard = 2 * pairs - sizes[0] * sizes[1]  # by the hidden units
        changes = (chains + clamped) * (pairs + model.size) + pretraining_changes
        macs = weight_updates * 2 * pairs + clamped * rounds * heard + pretraining_macs
        means = clamped * rounds * hidden
        units = weight_updates * model.size + means + pretraining_units
        elementwise = weight_updates * sweep.elementwise + means + 3 * pretraining_units  # mean field: the bias only
        update = update_counts(macs, units, elementwise, changes)
        nothing = LayerCounts()
        phases: dict[Phase, LayerCounts] = {
            "forward": nothing, "backward": nothing, "update": LayerCounts({UNITS: update}),
        }  # fmt: skip
        return TrainingCounts(cls.title, samples_seen, phases, ())

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> DeepChains:
        start = super().init(model, engine, objective, generator)
        return DeepChains(start.generator, start.learning_rate, start.states)

    @torch.no_grad()
    def step(self, model: DeepBoltzmann, state: Any, batch: Batch) -> tuple[Any, Info]:
        layer = state.pretrained // max(1, self.card.pretraining_updates)
        if self.card.pretraining_updates == 0 or layer >= len(model.weights):
            after, info = super().step(model, state, batch)
            return after, replace(info, more=self._done(chains=info.more["chains"], clamped=batch.size))
        done = self._pretrain(model, layer, model.start(batch.x)[:, : model.visible], state.generator)
        if not all(weight.isfinite().all() for weight in model.parameters()):
            raise RunFailed(f"a weight became infinite; lower pretraining_rate (now {self.card.pretraining_rate:g})")
        return replace(state, pretrained=state.pretrained + 1), Info(None, 0, done)

    def _done(self, **numbers: int) -> dict[str, int]:
        return dict.fromkeys(self.reports, 0) | numbers

    def _pretrain(self, model: DeepBoltzmann, layer: int, x: Tensor, generator: torch.Generator) -> dict[str, int]:
        """One update of CD-1 of the weights above `layer`; returns what was done."""
        T, top, macs, units = model.temperature, len(model.weights) - 1, 0, 0

        def up(number: int, values: Tensor) -> Tensor:
            factor = 1 if number == top else 2
            return torch.sigmoid((factor * values @ model.weights[number] + model.biases[number + 1]) / T)

        for below in range(layer):
            x = up(below, x)
            macs, units = macs + model.weights[below].numel(), units + x.shape[1]
        if layer:
            x = drawn(x, generator)
        rate, twice = self.card.pretraining_rate, (1 if layer == top else 2, 2 if layer else 1)
        done = pair_update(type(self), model, layer, x, rate, generator, twice=twice)
        macs, units, changes = macs + done.macs, units + done.units, done.changes
        return self._done(
            pretraining_macs=len(x) * macs, pretraining_units=len(x) * units, pretraining_changes=len(x) * changes
        )

    def clamped(self, model: Any, batch: Batch, generator: torch.Generator) -> Tensor:
        return model.mean_field(model.start(batch.x)[:, : model.visible])

    def shown(self, model: Any, states: Tensor) -> tuple[Mapping[str, Tensor], ...]:
        """Neighbouring layers, and each layer, in the order of the parameters."""
        parts = model.split(states)
        pairs = ({"post": lower, "pre": upper} for lower, upper in pairwise(parts))
        return *pairs, *({"post": part} for part in parts)
