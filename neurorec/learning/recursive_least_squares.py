"""Recursive least squares: the readout is learned online, frame by frame; with feedback from the output, this is FORCE."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.numbers import Penalty, Share
from neurorec.engines.engine import Engine
from neurorec.learning.ridge import Ridge, readout_features, write_readout
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, network_why_not, rules
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class RecursiveLeastSquaresCard(TrainingCard):
    penalty: Penalty  #: of the squared weights, against the sum of squared errors
    forgetting: Share  #: factor by which the weight of past errors decreases per frame; 1: nothing is forgotten


@dataclass
class RecursiveState:
    engine: Engine
    objective: Objective
    weights: Tensor  #: [O, K] of the readout's K = H + 1 lines, the bias last
    inverse: Tensor  #: P [K, K], the inverse of the lines' weighted correlations


@rules.register("recursive_least_squares")
class RecursiveLeastSquares(Rule):
    """Least squares onto the objective's wanted outputs, frame by frame, in double precision. Without forgetting, the final
    weights are those of ridge regression on all frames.

    If the output feeds back into the network, the network runs on its own output while it learns, which keeps that output close
    to the target (FORCE, Sussillo & Abbott 2009).
    """

    Card = RecursiveLeastSquaresCard
    title = "recursive least squares"
    sources = ("jaeger2003", "sussillo2009")
    equations = "k = P h / (lambda + h'P h);   W += (y* - W h) k';   P = (P - k h'P) / lambda;   P_0 = I / penalty"
    signal = "outputs"
    sees = ("whole graph",)  # every line of the readout at once
    needs = capabilities("linear solve")
    readout_only = True
    messages = Messages(
        errors=False, signals="none", online=True, sources=("jaeger2003", "sussillo2009"),
        why="only the readout changes, in every frame: its inputs arrive in the forward pass, and targets come from outside",
    )  # fmt: skip
    card: RecursiveLeastSquaresCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        readout = model[model.output]
        plain = all(wire.plain for wire in model.wires_into(model.output))
        if not plain or not isinstance(readout, Readout) or not readout.trained:
            return "its output is not a plain readout with weights; use bptt"
        if model.heard_by(model.output) and readout.rate != 1:
            return (
                "its output is filtered before it feeds back, so errors depend on earlier weights; use a linear readout"
            )
        if model.constraints.held(model.output):
            return "the weights of its readout are constrained, but least squares ignores constraints; use bptt"
        return None

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if task.objective.pooled:
            return f"it learns in every frame, but task {task.name} has one answer per sample; use ridge"
        return super().why_not_task(task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return Ridge.judgements(model)

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Per frame, with K lines (one constant) and O outputs: P h and the change of P take K^2 multiply-accumulates each,
        h'P h takes K, the change of W takes K O; k takes K divisions, P as many as it has entries, and there are O errors.
        `weight_updates`: frames."""
        lines, outputs = model[model.output].input_size + 1, model[model.output].size
        square = lines * lines
        macs = weight_updates * (2 * square + lines + lines * outputs)
        update = Counts(
            macs=macs,
            dense_macs=macs,
            elementwise=weight_updates * (lines + square + outputs),
            gradient_reads=weight_updates * 2 * square,
            gradient_writes=weight_updates * square,
            weight_reads=weight_updates * lines * outputs,
            weight_writes=weight_updates * lines * outputs,
        )
        stores = (Store(model.output, "gradient", square),)
        return cls.counted(forward, samples_seen, LayerCounts(), LayerCounts({model.output: update}), stores)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> RecursiveState:
        readout = model[model.output]
        weights = torch.cat([readout.weight, readout.bias[:, None]], 1).detach().double().cpu()
        inverse = torch.eye(weights.shape[1], dtype=torch.float64) / self.card.penalty
        return RecursiveState(engine, objective, torch.zeros_like(weights), inverse)

    @torch.no_grad()
    def step(self, model: Network, state: RecursiveState, batch: Batch) -> tuple[RecursiveState, Info]:
        wanted = state.objective.wanted(batch, model[model.output].size).double().cpu()
        counted, errors = batch.frame_mask.cpu(), []
        write_readout(model, state.weights)
        feedback = bool(model.heard_by(model.output))
        frames = _running(model, batch) if feedback else readout_features(model, state.engine, batch, state.objective)
        for frame, (lines, targets) in enumerate(zip(frames, wanted, strict=True)):
            for sample in counted[frame].nonzero()[:, 0].tolist():
                errors.append(self._learn(state, lines[sample].double().cpu(), targets[sample]))
            if feedback:
                write_readout(model, state.weights)
        write_readout(model, state.weights)
        return state, Info(loss=float(torch.stack(errors).mean()) if errors else None, updates=len(errors))

    def _learn(self, state: RecursiveState, h: Tensor, wanted: Tensor) -> Tensor:
        """One frame of one sample; returns the squared error before the change."""
        seen = state.inverse @ h
        gain = seen / (self.card.forgetting + h @ seen)
        error = wanted - state.weights @ h
        state.weights += torch.outer(error, gain)
        state.inverse = (state.inverse - torch.outer(gain, seen)) / self.card.forgetting
        return error.square().mean()


def _running(network: Network, batch: Batch):
    """The readout's lines and a constant, [B, K] per step, of a network that runs on its own, changing output."""
    state = network.initial_state(batch.size)
    for x in batch.x:
        sent, state = network.run(x[None], state)
        lines = [sent[wire.source][0] for wire in network.wires_into(network.output)]
        yield torch.cat([*lines, lines[0].new_ones(batch.size, 1)], 1)
