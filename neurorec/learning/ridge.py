"""Ridge regression: the readout of a fixed layer in closed form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import InputError
from neurorec.basics.least_squares import Moments
from neurorec.basics.numbers import Distinct, Penalty
from neurorec.engines.engine import Engine, can_sum, heard_sums
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, network_why_not, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch, frame_means
from neurorec.tasks.objective import Objective


class RidgeCard(TrainingCard):
    penalties: Distinct[Penalty]  #: candidates; the one with the best validation accuracy is kept


@dataclass
class RidgeState:
    engine: Engine
    objective: Objective
    features: list[Tensor] = field(default_factory=list)
    wanted: list[Tensor] = field(default_factory=list)


def best_ridge(
    features: Tensor, wanted: Tensor, held_out: tuple[Tensor, Batch], objective: Objective, penalties: list[float]
) -> tuple[Tensor, float]:
    """The weights and the penalty with the best score on held-out data (the largest penalty in case of a tie).

    features [N, K] and wanted outputs [N, O]; held_out: features [N, K] (or [F, B, K]) and their batch.
    """
    best: tuple[float, float, Tensor] | None = None
    moments = Moments.of(features, wanted)
    for penalty in sorted(penalties):
        weights = moments.ridge(penalty)
        score = objective.score(held_out[0].double() @ weights.T, held_out[1])
        if best is None or objective.is_better(score, best[0]):
            best = (score, penalty, weights)
    if best is None:
        raise InputError("penalties: give at least one candidate")
    return best[2], best[1]


def readout_features(network: Network, engine: Engine, batch: Batch, objective: Objective) -> Tensor:
    """The readout's features: filtered hidden activity and a filtered constant, averaged over the answer [B, H+1] or over
    each frame [F, B, H+1]."""
    readout = network[network.output]
    if objective.pooled:
        weights = readout.step_weights(batch.mask)
        summed = heard_sums(network, engine.hidden_sums(network, batch.x, weights[None], batch.lengths))[0]
        return torch.cat([summed, weights.sum(0).expand(len(summed))[:, None]], dim=1)
    sent = engine.run(network, batch.x, batch.lengths).sent
    lines = [sent[wire.source] for wire in network.wires_into(network.output)]
    heard = torch.cat([*lines, lines[0].new_ones(*lines[0].shape[:2], 1)], dim=2)
    return frame_means(readout.filter(heard), batch.steps_per_frame)


def write_readout(network: Network, weights: Tensor) -> None:
    """Store weights [O, H+1], with the bias last, in the readout."""
    readout = network[network.output]
    readout.weight.copy_(weights[:, :-1])
    readout.bias.copy_(weights[:, -1])


@rules.register("ridge")
class Ridge(Rule):
    """Least squares onto the objective's wanted outputs (+1 for the correct class, -1 otherwise); only the readout changes."""

    Card = RidgeCard
    title = "ridge readout"
    sources = ("hoerl1970", "jaeger2001")
    equations = "W = Y^T X (X^T X + penalty N I)^-1"
    signal = "outputs"
    sees = ("whole graph",)  # every line of the readout at once
    needs = capabilities("linear solve")
    readout_only = True
    messages = Messages(
        errors=False, signals="none", online=False, sources=("hoerl1970", "jaeger2001"),
        why="only the readout changes: its inputs arrive in the forward pass, and targets come from outside",
    )  # fmt: skip
    order_free = True
    card: RidgeCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is None and not can_sum(model):
            return "its output is not a plain readout of the layers, or feeds back into them; use bptt"
        if reason is None and not model[model.output].trained:
            return "its readout has no weights; use bptt"
        if reason is None and model.constraints.held(model.output):
            return "the weights of its readout are constrained, but least squares ignores constraints; use bptt"
        return reason

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        spiking = model.spikes
        return (
            Judgement("relaxed", "no error is propagated backward"),
            Judgement("relaxed", "no derivative is taken"),
            Judgement("relaxed", "no weight is used backward"),
            Judgement("relaxed", "the layer runs forward only"),
            Judgement("relaxed", "units send spikes") if spiking else Judgement("kept", "units send real values"),
            Judgement("kept", "the readout needs the target of every sample"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Sums X^T X and X^T Y over N samples with K = H + 1 features: N K (K + O) multiply-accumulates, each reading and
        writing one sum; and one solve of K^3 / 3 + K^2 O (each further penalty costs another solve). A feature is a mean
        over all T steps. `weight_updates` is ignored."""
        features, outputs = model[model.output].input_size + 1, model[model.output].size
        steps = forward.sample_steps * samples_seen // max(1, forward.samples)
        macs = samples_seen * features * (features + outputs) + features**3 // 3 + features**2 * outputs
        update = Counts(
            macs=macs,
            dense_macs=macs,
            elementwise=steps * features,
            activation_reads=(steps + samples_seen) * features,
            activation_writes=samples_seen * features,
            gradient_reads=macs,
            gradient_writes=macs,
            weight_writes=features * outputs,
        )
        stores = (Store(model.output, "gradient", features * (features + outputs)),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({model.output: update}), stores)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> RidgeState:
        return RidgeState(engine, objective)

    @torch.no_grad()
    def step(self, model: Network, state: RidgeState, batch: Batch) -> tuple[RidgeState, Info]:
        features = readout_features(model, state.engine, batch, state.objective)
        wanted = state.objective.wanted(batch, model[model.output].size)
        if not state.objective.pooled:
            features, wanted = features[batch.frame_mask], wanted[batch.frame_mask]
        state.features.append(features.cpu())
        state.wanted.append(wanted.cpu())
        return state, Info(loss=None, updates=0)

    @torch.no_grad()
    def finish(self, model: Network, state: RidgeState, validation: Batch) -> Mapping[str, float]:
        held_out = (readout_features(model, state.engine, validation, state.objective).cpu(), validation.to("cpu"))
        features, wanted = torch.cat(state.features), torch.cat(state.wanted)
        weights, penalty = best_ridge(features, wanted, held_out, state.objective, self.card.penalties)
        write_readout(model, weights)
        return {"penalty": penalty}
