"""Prediction contexts: states are clustered, and the symbols that follow each cluster are counted (Tino & Dorffner 2001)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Distinct, Penalty, Repeats
from neurorec.engines.engine import Engine
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, network_why_not, rules
from neurorec.models.cells.competitive import Competitive
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.objectives.next_symbol import NextSymbol
from neurorec.tasks.task import Task


class ContextCountsCard(TrainingCard):
    epochs: Literal[1]
    restarts: Repeats  #: clusterings from different first prototypes; the one with the best validation score is kept
    pseudo_counts: Distinct[Penalty]  #: candidates for the number added to every count, chosen with it


@dataclass
class Contexts:
    """One clustering: prototypes [K, H], and how often each symbol followed each, [K, O]."""

    prototypes: Tensor
    counts: Tensor


@dataclass
class ContextState:
    engine: Engine
    objective: Objective
    generator: torch.Generator
    found: list[Contexts] = field(default_factory=list)


@rules.register("context_counts")
class ContextCounts(Rule):
    """The states that winner-take-all units hear are clustered by k-means, and each unit becomes a context: the readout gives
    the logarithm of the shares of the symbols that followed it in training. The layers below stay as they are."""

    Card = ContextCountsCard
    title = "context counts"
    sources = ("tino2001",)
    equations = (
        "w_c = mean of the states nearest to w_c, repeated until nothing changes;\n"
        "W_sc = log((n_sc + a) / (sum over s of n_sc + a)), n_sc: how often symbol s followed context c"
    )
    signal = "outputs"
    sees = ("whole graph",)  # k-means starts from states far apart, and clusterings of all units are compared
    needs = capabilities("winner update", "product update")
    messages = Messages(
        errors=False, signals="one", online=False, sources=("tino2001",),
        why="the index of the winning context is broadcast; the next symbol must reach the synapses of the readout",
    )  # fmt: skip
    relative_time = 0.2
    whole_split = True
    card: ContextCountsCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        wires = model.wires_into(model.output)
        heard = [model[wire.source] for wire in wires if wire.plain and wire.source != INPUT]
        if len(wires) != 1 or not heard or not isinstance(heard[0], Competitive):
            return "its readout must hear one layer of competitive units, which become the contexts, and nothing else"
        readout = model[model.output]
        if not isinstance(readout, Readout) or not readout.trained or readout.rate != 1:
            return "the outputs are logarithms of shares, so the readout must be linear"
        if not all(wire.plain for wire in model.wires_into(wires[0].source)):
            return "what the competitive units hear must come in the same step and unchanged"
        return None

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        reason = super().why_not_task(task)
        if reason is not None or isinstance(task.objective, NextSymbol):
            return reason
        return "it counts which symbol follows, but this task has other targets; use the objective next_symbol"

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "nothing is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "weights are used only in their own unit"),
            Judgement(
                "partly", "states are clustered in many passes over stored sequences, before symbols are counted"
            ),
            Judgement("kept", "states are real values"),
            Judgement("partly", "the target is the next input, which arrives anyway"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """`weight_updates`: K H per pass of k-means, and K O in the end. In a pass, each of S states is compared with all K
        prototypes (K H multiply-accumulates, K subtractions and K - 1 comparisons) and added to one sum (H), and K H sums are
        divided; then S symbols are counted, and shares are computed. All steps count as if they were scored. Distances
        after the last pass, for counting, are those of the forward pass."""
        name = model.wires_into(model.output)[0].source
        K, H, outputs = model[name].size, model[name].input_size, model[model.output].size
        steps = forward.sample_steps * samples_seen // max(1, forward.samples)
        passes = max(0, weight_updates - K * outputs) // (K * H)
        each = passes * steps
        clustering = Counts(
            macs=each * K * H,
            dense_macs=each * K * H,
            elementwise=each * (2 * K - 1 + H) + passes * K * H,
            activation_reads=each * H,
            weight_reads=each * K * (H + 1),
            weight_writes=passes * K * H,
            gradient_reads=each * H,
            gradient_writes=each * H,
            plasticity_updates=passes * K * H,
        )
        counting = Counts(
            elementwise=steps + 3 * K * outputs,  # counted; plus a, summed, divided
            nonlinearities=K * outputs,
            gradient_reads=steps + 2 * K * outputs,
            gradient_writes=steps,
            weight_writes=K * outputs,
            plasticity_updates=K * outputs,
        )
        stores = (Store(name, "gradient", K * H), Store(model.output, "gradient", K * outputs))
        update = LayerCounts({name: clustering, model.output: counting})
        return cls.counted(forward, samples_seen, LayerCounts(), update, stores)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> ContextState:
        return ContextState(engine, objective, generator)

    @torch.no_grad()
    def step(self, model: Network, state: ContextState, batch: Batch) -> tuple[ContextState, Info]:
        name = model.wires_into(model.output)[0].source
        scored = batch.frame_mask.repeat_interleave(batch.steps_per_frame, 0)
        states = heard_states(model, state.engine, batch)[scored]
        following = batch.answers.repeat_interleave(batch.steps_per_frame, 0)[scored]
        passes = 0
        for seed in torch.randint(2**31, (self.card.restarts,), generator=state.generator).tolist():
            prototypes, taken = cluster(states.double().cpu().numpy(), model[name].size, seed)
            model[name].w_in.copy_(torch.from_numpy(prototypes))
            winners = model[name].match(states).argmax(1)
            counts = torch.zeros(model[name].size, model[model.output].size, dtype=torch.float64)
            counts.index_put_((winners.cpu(), following.cpu()), counts.new_ones(()), accumulate=True)
            state.found.append(Contexts(model[name].w_in.detach().clone(), counts))
            passes += taken
        return state, Info(loss=None, updates=passes * model[name].w_in.numel() + counts.numel())

    @torch.no_grad()
    def finish(self, model: Network, state: ContextState, validation: Batch) -> Mapping[str, float]:
        name = model.wires_into(model.output)[0].source
        cell, states = model[name], heard_states(model, state.engine, validation)
        best: tuple[float, float, Contexts] | None = None
        for each in state.found:
            cell.w_in.copy_(each.prototypes)
            winners = cell.match(states.flatten(0, 1)).argmax(1).reshape(states.shape[:2]).cpu()
            for pseudo_count in self.card.pseudo_counts:
                y = state.objective.answers(log_shares(each.counts, pseudo_count)[winners], validation.to("cpu"))
                score = state.objective.score(y, validation.to("cpu"))
                if best is None or state.objective.is_better(score, best[0]):
                    best = (score, pseudo_count, each)
        if best is None:
            raise RunFailed(f"rule {self.title} has not seen any sample, so there is nothing to choose from")
        cell.w_in.copy_(best[2].prototypes)
        model[model.output].weight.copy_(log_shares(best[2].counts, best[1]).T)
        model[model.output].bias.zero_()
        return {"pseudo_count": best[1], "contexts": float((best[2].counts.sum(1) > 0).sum())}


def heard_states(model: Network, engine: Engine, batch: Batch) -> Tensor:
    """What the competitive layer before the readout hears, [T, B, H]."""
    name = model.wires_into(model.output)[0].source
    sent = engine.sent(model, batch)
    lines = [batch.x if wire.source == INPUT else sent[wire.source] for wire in model.wires_into(name)]
    return torch.cat(lines, -1)


def cluster(states: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, int]:
    """Prototypes [most, H] of states [N, H] by k-means, and its passes. States that agree in 7 decimals are the same. If
    there are fewer different states, each becomes a prototype; the rest are copies of the first, which never win."""
    from sklearn.cluster import KMeans

    different, times = np.unique(states.round(7), axis=0, return_counts=True)
    if len(different) <= most:
        return np.concatenate([different, np.repeat(different[:1], most - len(different), 0)]), 1
    means = KMeans(most, n_init=1, tol=0.0, random_state=seed)  # type: ignore[arg-type]
    found = means.fit(different, sample_weight=times)
    return found.cluster_centers_, found.n_iter_


def log_shares(counts: Tensor, pseudo_count: float) -> Tensor:
    """log of the shares of symbols in each row of counts [K, O], with `pseudo_count` added to each."""
    return ((counts + pseudo_count) / (counts.sum(1, keepdim=True) + pseudo_count * counts.shape[1])).log()
