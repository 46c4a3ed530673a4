"""Learning in deep Boltzmann machines: layer by layer, then all layers together, by mean field and persistent chains
(Salakhutdinov & Hinton 2009)."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Phase, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import CountOrZero, LearningRate
from neurorec.engines.relaxation import UNITS
from neurorec.learning.contrastive_divergence import Chains
from neurorec.learning.persistent_contrastive_divergence import (
    PersistentContrastiveDivergence,
    PersistentContrastiveDivergenceCard,
)
from neurorec.learning.rule import Info, Judgement, rules
from neurorec.models.energy.deep_boltzmann import DeepBoltzmann
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
        drawn = weight_updates * sweep.elementwise + means + 3 * pretraining_units  # mean field only adds the bias
        update = Counts(
            macs=macs, dense_macs=macs, neuron_updates=units, values_sent=units, elementwise=drawn + 2 * changes,
            nonlinearities=units, weight_reads=macs + changes, weight_writes=changes, state_reads=units, state_writes=units,
            activation_reads=units, activation_writes=units, plasticity_updates=changes,
        )  # fmt: skip
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
            x = _drawn(x, generator)
        h = up(layer, x)
        factor = 2 if layer else 1
        back = factor * _drawn(h, generator) @ model.weights[layer].T + model.biases[layer]
        y = _drawn(torch.sigmoid(back / T), generator)
        g, rate = up(layer, y), self.card.pretraining_rate / T / len(x)
        model.weights[layer].add_(x.T @ h - y.T @ g, alpha=rate)
        model.biases[layer].add_((x - y).sum(0), alpha=rate)
        model.biases[layer + 1].add_((h - g).sum(0), alpha=rate)
        n, m = model.weights[layer].shape
        macs, units, changes = macs + 3 * n * m, units + n + 2 * m, 2 * (n * m + n + m)
        return self._done(
            pretraining_macs=len(x) * macs, pretraining_units=len(x) * units, pretraining_changes=len(x) * changes
        )

    def clamped(self, model: Any, batch: Batch, generator: torch.Generator) -> Tensor:
        return model.mean_field(model.start(batch.x)[:, : model.visible])

    def statistics(self, model: Any, states: Tensor) -> tuple[Tensor, ...]:
        """Means over states [B, N] of the products of neighbouring layers, and of each unit, in the order of the parameters."""
        parts = model.split(states)
        pairs = [lower.T @ upper / len(states) for lower, upper in pairwise(parts)]
        return *pairs, *(part.mean(0) for part in parts)


def _drawn(chance: Tensor, generator: torch.Generator) -> Tensor:
    uniforms = torch.rand(chance.shape, generator=generator, dtype=torch.float64).to(chance.device)
    return (uniforms < chance).to(chance.dtype)
