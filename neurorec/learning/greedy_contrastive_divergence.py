"""Greedy learning of deep belief nets, layer by layer from the bottom (Hinton, Osindero & Teh 2006)."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from neurorec.basics.counts import ForwardPass, LayerCounts, Phase, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Count
from neurorec.engines.relaxation import UNITS
from neurorec.learning.contrastive_divergence import Chains, ContrastiveDivergence, ContrastiveDivergenceCard
from neurorec.learning.pair_update import pair_update, update_counts
from neurorec.learning.rule import Info, Judgement, rules
from neurorec.models.energy.deep_belief import DeepBelief
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class GreedyContrastiveDivergenceCard(ContrastiveDivergenceCard):
    updates_per_layer: Count  #: of each pair of layers but the last one, which learns until the end


@dataclass(frozen=True)
class GreedyChains(Chains):
    updates: int = 0  #: so far


@rules.register("greedy_contrastive_divergence")
class GreedyContrastiveDivergence(ContrastiveDivergence):
    """Each pair of layers is trained by CD-k as a restricted Boltzmann machine, on what the finished layers below recognise in
    the data; then its weights are kept. Where sizes allow it, the next pair starts as this one upside down, with which the
    net has the same likelihood; from there, a better model of the recognised states raises a lower bound of the likelihood."""

    Card = GreedyContrastiveDivergenceCard
    title = "greedy contrastive divergence"
    sources = ("hinton2006", "hinton2002")
    equations = (
        "W_l += rate (<x_l p(x_l+1 = 1 | x_l)'>_data - <x_l p(x_l+1 = 1 | x_l)'>_k) / T, biases alike; one l after the other;\n"
        "<>_data: x_l drawn from q(x_l | data), by the layers below; <>_k: after k sweeps of x_l and x_l+1 from there;\n"
        "then W_l+1 = W_l', b_l+2 = b_l, where they have one shape"
    )
    sees = ("whole graph",)  # a finished pair of layers is copied to the next one, as its start
    reports = ("layer_macs", "layer_units", "layer_changes")
    card: GreedyContrastiveDivergenceCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, DeepBelief):
            return None
        return "it trains the layers of a deep belief net, which this is not; use bptt for networks of layers"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        *others, phases, values, targets = super().judgements(model)
        why = "layers learn one after the other, and data alternate with the chain, but nothing needs a precise clock"
        return *others, replace(phases, why=why), values, targets

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, layer_macs: int = 0,
        layer_units: int = 0, layer_changes: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """All that was done, over all samples: on the way up, in the chains, and at the synapses. Units take a bias, a random
        number and a comparison each. Copies of weights between layers are few and not counted."""
        update = update_counts(layer_macs, layer_units, 3 * layer_units, layer_changes)
        nothing = LayerCounts()
        phases: dict[Phase, LayerCounts] = {
            "forward": nothing, "backward": nothing, "update": LayerCounts({UNITS: update}),
        }  # fmt: skip
        return TrainingCounts(cls.title, samples_seen, phases, ())

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> GreedyChains:
        return GreedyChains(generator, self.card.learning_rate)

    @torch.no_grad()
    def step(self, model: DeepBelief, state: Any, batch: Batch) -> tuple[Any, Info]:
        top = len(model.weights) - 1
        layer = min(state.updates // self.card.updates_per_layer, top)
        since = state.updates - layer * self.card.updates_per_layer
        if layer and since == 0:
            turn_over(model, layer)
        x = model.recognise(model.start(batch.x)[:, : model.visible], layer, state.generator)[-1]
        rate = self.card.learning_rate * self.card.learning_rate_decay**state.updates
        done = pair_update(type(self), model, layer, x, rate, state.generator, sweeps=self.card.sweeps)
        if layer < top:  # the same numbers until the layer is finished
            model.recognition[layer].copy_(model.biases[layer + 1])
        if not all(weight.isfinite().all() for weight in model.parameters()):
            raise RunFailed(f"a weight became infinite; lower learning_rate (now {self.card.learning_rate:g})")
        way = sum(weight.numel() for weight in model.weights[:layer])
        units = sum(model.sizes[1 : layer + 1]) + done.units
        more = {
            "layer_macs": len(x) * (way + done.macs), "layer_units": len(x) * units,
            "layer_changes": len(x) * done.changes,
        }  # fmt: skip
        return replace(state, updates=state.updates + 1), Info(None, len(x) * self.card.sweeps, more)


def turn_over(model: DeepBelief, layer: int) -> None:
    """Let the pair of layers above `layer` start as the pair below it upside down, if it has that shape."""
    below = model.weights[layer - 1]
    if model.weights[layer].shape == below.T.shape:
        model.weights[layer].copy_(below.T)
        model.biases[layer + 1].copy_(model.biases[layer - 1])
