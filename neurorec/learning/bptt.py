"""Backpropagation through time; on spiking cells, with the surrogate derivative that their spike function brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor

from neurorec.basics.errors import CannotRun, RunFailed
from neurorec.engines.engine import Engine, can_sum, heard_sums
from neurorec.learning.rule import Info, Judgement, Rule, TrainingCard, network_why_not, rules
from neurorec.models.network import Network
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Batch


class BPTTCard(TrainingCard):
    learning_rate: PositiveFloat
    learning_rate_decay: float = Field(gt=0, le=1)  #: factor on the learning rate at every update
    clip_norm: PositiveFloat
    rate_target: NonNegativeFloat  #: spikes per neuron and step that the regulariser pulls towards (spiking cells)
    rate_weight: NonNegativeFloat  #: weight of that regulariser in the loss; 0 for none
    teacher_forcing: bool = False  #: whether wires that lead back from the readout carry its targets while training


@dataclass
class BPTTState:
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    engine: Engine
    objective: Objective
    mask: Tensor = field(default_factory=lambda: torch.empty(0))  #: [T] or [T, B] of the last batch
    weights: Tensor = field(
        default_factory=lambda: torch.empty(2, 0)
    )  #: [2, T] or [2, T, B] of the steps: in its answer, in the rates


@rules.register("bptt")
class BPTT(Rule):
    """Adam on the loss that the task's objective gives the network's answers."""

    Card = BPTTCard
    title = "BPTT"
    sources = ("werbos1990", "neftci2019", "kingma2015")
    equations = (
        "dL/dW = sum over t of dL/dh_t dh_t/dW, through every earlier step; spikes use their surrogate derivative"
    )
    signal = "errors"
    recurrent_frozen_control = True
    order_free = True
    scored_each_epoch = True
    card: BPTTCard

    @classmethod
    def title_for(cls, model: Any) -> str:
        return "surrogate BPTT" if model.spikes else cls.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
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
            Judgement("kept", "errors travel backward through a purely linear copy of the network"),
            Judgement("partly", "a surrogate stands in for the derivative of the spike")
            if spiking
            else Judgement(
                "kept", "every backward step multiplies by the exact derivative of the forward nonlinearity"
            ),
            Judgement("kept", "the backward path uses the transpose of the forward weights"),
            Judgement("kept", "a backward pass over all steps alternates with the forward pass"),
            Judgement("partly", "forward messages are spikes, backward errors are real values")
            if spiking
            else Judgement("kept", "units send real values"),
            Judgement("kept", "every sample needs its target"),
        )

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> BPTTState:
        """Raises `CannotRun` where the answer of each frame is to be forced, but there is none or nothing hears it."""
        if self.card.teacher_forcing and (objective.pooled or not any(w.delay for w in model.heard_by(model.output))):
            raise CannotRun(
                "teacher_forcing: it needs a delayed wire from the readout, and targets in every frame; set it to false"
            )
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.card.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.card.learning_rate_decay)
        return BPTTState(optimizer, schedule, engine, objective)

    def step(self, model: Network, state: BPTTState, batch: Batch) -> tuple[BPTTState, Info]:
        """One Adam step.

        Raises
        ------
        RunFailed
            If the loss is no longer a finite number.
        """
        state.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(model, state, batch)
        value = float(loss.detach())
        if not torch.isfinite(loss):
            raise RunFailed(
                f"the loss became {value}; lower learning_rate (now {self.card.learning_rate:g}) or clip_norm "
                f"(now {self.card.clip_norm:g}) in the pair card"
            )
        loss.backward()
        trained = [parameter for group in state.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, self.card.clip_norm)
        state.optimizer.step()
        state.schedule.step()
        return state, Info(loss=value, updates=1)

    def _loss(self, network: Network, state: BPTTState, batch: Batch) -> Tensor:
        if state.objective.pooled and can_sum(network):
            return self._loss_of_sums(network, state, batch)
        forced = self._forced(network, state.objective, batch)
        seen = state.engine.run(network, batch.x, batch.lengths, forced=forced)
        loss = state.objective.loss(state.objective.answers(seen.outputs, batch), batch)
        steps = len(batch.x) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
        return loss + self._rates({name: seen.sent[name].sum(0) / steps for name in network.hidden}, network)

    def _loss_of_sums(self, network: Network, state: BPTTState, batch: Batch) -> Tensor:
        """It reads no output of any one step, only the sum behind the answer and, where regularised, each unit's rate."""
        if state.mask is not batch.mask or batch.lengths is not None:
            answer = network[network.output].step_weights(batch.mask)
            steps = len(answer) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
            state.mask, state.weights = batch.mask, torch.stack([answer, torch.full_like(answer, 1 / steps)])
        weights = state.weights[: 2 if self._regularises(network) else 1]
        sums = state.engine.hidden_sums(network, batch.x, weights, batch.lengths)
        answers = network[network.output].answer(heard_sums(network, sums)[0], state.weights[0])
        loss = state.objective.loss(answers, batch)
        return loss + self._rates({name: sums[name][-1] for name in network.hidden}, network)

    def _regularises(self, network: Network) -> bool:
        return self.card.rate_weight > 0 and network.spikes

    def _rates(self, rates: Mapping[str, Tensor], network: Network) -> Tensor | float:
        """The regulariser of the rates [B, H] of each spiking layer."""
        if not self._regularises(network):
            return 0.0
        spiking = [rate for name, rate in rates.items() if network.signal_of(name) == "spikes"]
        parts = [(rate.mean(0) - self.card.rate_target).square().mean() for rate in spiking]
        return self.card.rate_weight * sum(parts[1:], parts[0])

    def _forced(self, network: Network, objective: Objective, batch: Batch) -> dict[str, Tensor]:
        if not self.card.teacher_forcing:
            return {}
        right = objective.fed_back(batch, network[network.output].size).to(batch.x.dtype)
        return {network.output: right.repeat_interleave(batch.steps_per_frame, dim=0)}
