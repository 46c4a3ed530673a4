"""Backpropagation through time; for spiking cells, with the surrogate derivative of their spike function."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.engines.densities import answered
from neurorec.engines.engine import Engine, heard_sums, sums_suffice
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import backward_counts, gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.models.network import Network
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Batch


class BPTTCard(DescentCard):
    teacher_forcing: bool = False  #: whether feedback wires from the readout carry its targets during training


@dataclass
class BPTTState:
    descent: Descent
    engine: Engine
    objective: Objective
    mask: Tensor = field(default_factory=lambda: torch.empty(0))  #: [T] or [T, B] of the last batch
    weights: Tensor = field(
        default_factory=lambda: torch.empty(2, 0)
    )  #: [2, T] or [2, T, B] weights of the steps in the answer and in the rates


@rules.register("bptt")
class BPTT(Rule):
    """Adam on the loss that the task's objective assigns to the network's answers."""

    Card = BPTTCard
    title = "BPTT"
    sources = ("werbos1990", "neftci2019", "kingma2015")
    equations = "dL/dW = sum over t of dL/dh_t dh_t/dW, through every earlier step; spikes have a surrogate derivative"
    signal = "errors"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    messages = Messages(
        errors=True, signals="none", online=False, sources=("werbos1990", "neftci2019"),
        why="dL/dz_j(t) sums W_kj delta_k over the targets k of unit j: each other part sends its share of the sum",
    )  # fmt: skip
    recurrent_frozen_control = True
    order_free = True
    adds_tied_gradients = True
    learns_start = True
    scored_each_epoch = True
    card: BPTTCard

    @classmethod
    def title_for(cls, model: Any) -> str:
        return "surrogate BPTT" if model.spikes else cls.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, by_steps=False)
        if reason is not None:
            return reason
        if not any(parameter.requires_grad for layer in model.hidden.values() for parameter in layer.parameters()):
            return "its recurrent layer is fixed; train its readout with the rule ridge"
        if not all(getattr(layer, "differentiable", True) for layer in model.hidden.values()):
            return "its winner-take-all output has no derivative; use the rule competitive"
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        spiking = model.spikes
        return (
            Judgement("kept", "errors are propagated backward through a purely linear copy of the network"),
            Judgement("partly", "a surrogate replaces the derivative of the spike")
            if spiking
            else Judgement(
                "kept", "every backward step multiplies by the exact derivative of the forward nonlinearity"
            ),
            Judgement("kept", "the backward path uses the transpose of the forward weights"),
            Judgement("kept", "a backward pass over all steps alternates with the forward pass"),
            Judgement("partly", "forward messages are spikes, but backward errors are real values")
            if spiking
            else Judgement("kept", "units send real values"),
            Judgement("kept", "every sample needs its target"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """`weight_updates`: steps of Adam, each of which changes every trained number; see `gradient_counts`."""
        backward = forward.over(samples_seen, backward_counts(model, forward))
        update = update_counts(model, weight_updates, "adam", clipped=True)
        batch = -(-samples_seen // max(1, weight_updates))
        stores = gradient_stores(model, forward.steps * batch, "adam")
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, model.parameter_count)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> BPTTState:
        """Raises `CannotRun` if teacher forcing is requested without targets per frame or without a feedback wire."""
        if self.card.teacher_forcing and (
            objective.pooled or not any(w.delay and w.along == "time" for w in model.heard_by(model.output))
        ):
            raise CannotRun(
                "teacher_forcing needs a delayed wire from the readout and targets in every frame; set it to false"
            )
        return BPTTState(Descent.of(model, self.card), engine, objective)

    def step(self, model: Network, state: BPTTState, batch: Batch) -> tuple[BPTTState, Info]:
        """One Adam step.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        """
        state.descent.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(model, state, batch)
        value = check_loss(loss, self.card)
        loss.backward()
        state.descent.follow(self.card)
        return state, Info(loss=value, updates=1)

    def _loss(self, network: Network, state: BPTTState, batch: Batch) -> Tensor:
        if sums_suffice(network, batch, state.objective):
            return self._loss_of_sums(network, state, batch)
        forced = self._forced(network, state.objective, batch)
        sent, after = state.engine.sent_and_state(network, batch, forced)
        loss = state.objective.loss(answered(network, sent, after, batch, state.objective), batch)
        steps = len(batch.x) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
        return loss + self.card.rate_loss({name: sent[name].sum(0) / steps for name in network.hidden}, network)

    def _loss_of_sums(self, network: Network, state: BPTTState, batch: Batch) -> Tensor:
        """The loss from weighted sums over time (the answer and, if regularised, the rates), without outputs per step."""
        if state.mask is not batch.mask or batch.lengths is not None:
            answer = network[network.output].step_weights(batch.mask)
            steps = len(answer) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
            state.mask, state.weights = batch.mask, torch.stack([answer, torch.full_like(answer, 1 / steps)])
        weights = state.weights[: 2 if self.card.regularises(network) else 1]
        sums = state.engine.hidden_sums(network, batch.x, weights, batch.lengths)
        answers = network[network.output].answer(heard_sums(network, sums)[0], state.weights[0])
        loss = state.objective.loss(answers, batch)
        return loss + self.card.rate_loss({name: sums[name][-1] for name in network.hidden}, network)

    def _forced(self, network: Network, objective: Objective, batch: Batch) -> dict[str, Tensor]:
        if not self.card.teacher_forcing:
            return {}
        right = objective.fed_back(batch, network[network.output].size).to(batch.x.dtype)
        return {network.output: right.repeat_interleave(batch.steps_per_frame, dim=0)}
