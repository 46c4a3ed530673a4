"""Contrastive divergence: statistics of the data against those of short chains that start there (Hinton 2002)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Phase, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import LearningRate, Repeats, Share
from neurorec.engines.relaxation import UNITS
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.learning.synapses import Synapses
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class ContrastiveDivergenceCard(TrainingCard):
    learning_rate: LearningRate
    learning_rate_decay: Share  #: factor applied to the learning rate at every update
    sweeps: Repeats  #: k, per update


@dataclass(frozen=True)
class Chains:
    """What continues from update to update."""

    generator: torch.Generator
    learning_rate: float
    states: Tensor | None = None  #: [chains, N] of persistent chains; None if chains start from the data


@rules.register("contrastive_divergence")
class ContrastiveDivergence(Rule):
    """CD-k. Hidden units enter the statistics with their probabilities. With ever longer chains, the change becomes the
    gradient of the log-likelihood, as the lecture "Recurrent neural networks" derives it; k sweeps approximate it."""

    Card = ContrastiveDivergenceCard
    title = "contrastive divergence"
    sources = ("hinton2002",)
    equations = (
        "w_ij += rate (<v_i p(h_j = 1 | v)>_data - <v_i p(h_j = 1 | v)>_k) / T, biases alike;\n"
        "<>_k: after k sweeps that start from the data"
    )
    signal = "none"
    sees = ("pre", "post", "modulator")
    needs = capabilities("product update")
    messages = Messages(
        errors=False, signals="one", online=False, sources=("hinton2002",),
        why="a weight changes with the values of its own two units; all must know whether the data are shown or the chain runs",
    )  # fmt: skip
    scored_each_epoch = True
    reports = ("chains",)
    card: ContrastiveDivergenceCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        if isinstance(model, RestrictedBoltzmann):
            return None
        return "it compares the data with samples of a restricted Boltzmann machine, which this is not; use bptt for layers"

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        return why_no_density(cls, task) or super().why_not_task(task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("partly", "weights are not used for learning, but those of the two directions must be equal"),
            Judgement("partly", "a phase with data alternates with one without, but neither needs a precise clock"),
            Judgement("partly", "units send 0 or 1 in the chain; in the statistics, hidden units send probabilities"),
            Judgement("relaxed", "patterns are learned without targets"),
        )

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, chains: int = 0
    ) -> TrainingCounts:
        """`weight_updates`: sweeps of single chains; `chains`: chains, summed over updates. The probabilities of hidden units
        are computed for every sample and for the state of every chain; each synapse adds the product for the sample to its
        weight, or subtracts that for the chain."""
        counts = _counts(model, samples_seen + chains, weight_updates)
        nothing, update = LayerCounts(), LayerCounts({UNITS: counts})
        phases: dict[Phase, LayerCounts] = {"forward": nothing, "backward": nothing, "update": update}
        return TrainingCounts(cls.title, samples_seen, phases, ())

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> Chains:
        return Chains(generator, self.card.learning_rate)

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """Products of the two ends, added up over samples: with the data (modulator 1) or in the chain (-1). Synapses are the
        same in both directions; a bias [H] has only one end."""
        if synapses.weight.dim() == 1:
            return synapses.modulator * synapses.post.sum(0)
        return synapses.modulator * (synapses.post.T @ synapses.pre)

    @torch.no_grad()
    def step(self, model: Any, state: Chains, batch: Batch) -> tuple[Chains, Info]:
        shown = self.clamped(model, batch, state.generator)
        chains = shown if state.states is None else state.states
        for _ in range(self.card.sweeps):
            chains = model.sweep(chains, state.generator)
        rate = state.learning_rate / model.temperature
        data, free = self.shown(model, shown), self.shown(model, chains)
        for weight, with_data, without in zip(model.parameters(), data, free, strict=True):
            wanted = self.changed(weight, "", modulator=1.0, **with_data) / len(shown)
            found = self.changed(weight, "", modulator=-1.0, **without) / len(chains)
            weight.add_(wanted + found, alpha=rate)
        if not all(weight.isfinite().all() for weight in model.parameters()):
            raise RunFailed(f"a weight became infinite; lower learning_rate (now {self.card.learning_rate:g})")
        kept = None if state.states is None else chains
        rate = state.learning_rate * self.card.learning_rate_decay
        done = Info(None, len(chains) * self.card.sweeps, {"chains": len(chains)})
        return replace(state, learning_rate=rate, states=kept), done

    def clamped(self, model: Any, batch: Batch, generator: torch.Generator) -> Tensor:
        """States [B, N] with the visible units set to the data."""
        return model.start(batch.x)

    def shown(self, model: Any, states: Tensor) -> tuple[Mapping[str, Tensor], ...]:
        """What each of the model's parameters sees in states [B, N]: v and h, v, and h, which are probabilities, given v."""
        v = states[:, : model.visible]
        h = torch.sigmoid(model.hidden_field(v) / model.temperature)
        return {"post": v, "pre": h}, {"post": v}, {"post": h}


def _counts(model: RestrictedBoltzmann, phases: int, sweeps: int) -> Counts:
    """`phases`: states that enter the statistics; each changes every number once."""
    V, H, N, sweep = model.visible, model.hidden, model.size, model.operations()
    changes = phases * (V * H + N)
    macs = sweeps * int(sweep.recurrent_fan_out.sum()) + phases * V * H
    return Counts(
        macs=macs,
        dense_macs=macs,
        neuron_updates=sweeps * N + phases * H,
        values_sent=sweeps * N + phases * N,  # probabilities of hidden units are sent to the synapses as well
        elementwise=sweeps * sweep.elementwise + phases * H + 2 * changes,  # product (or rate times value), and sum
        nonlinearities=sweeps * N + phases * H,
        weight_reads=macs + changes,
        weight_writes=changes,
        state_reads=sweeps * sweep.state_values,
        state_writes=sweeps * sweep.state_values,
        activation_reads=sweeps * N + phases * N,
        activation_writes=sweeps * N + phases * N,
        plasticity_updates=changes,
    )


def why_no_density(rule: type[Rule], task: Task) -> str | None:
    """Why a rule that learns the distribution of its inputs cannot learn this task, or None."""
    if task.objective.of_density and rule.signal in task.objective.offers:
        return None
    return "it learns the distribution of the inputs, but this task asks for answers; use the objective log_likelihood"
