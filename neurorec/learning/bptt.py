"""Backpropagation through time; on spiking cells, with the surrogate derivative that their spike function brings."""

from dataclasses import dataclass, field

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.engines.engine import Engine
from neurorec.learning.gradient_counts import backward_counts, gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.task import Batch


class BPTTCard(TrainingCard):
    learning_rate: PositiveFloat
    learning_rate_decay: float = Field(gt=0, le=1)  #: factor on the learning rate at every update
    clip_norm: PositiveFloat
    rate_target: NonNegativeFloat  #: spikes per neuron and step that the regulariser pulls towards (spiking cells)
    rate_weight: NonNegativeFloat  #: weight of that regulariser in the loss; 0 for none


@dataclass
class BPTTState:
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    engine: Engine
    mask: Tensor = field(default_factory=lambda: torch.empty(0))  #: [T] or [T, B] of the last batch
    weights: Tensor = field(
        default_factory=lambda: torch.empty(2, 0)
    )  #: [2, T] or [2, T, B] of the steps: in its answer, in the rates


@rules.register("bptt")
class BPTT(Rule):
    """Adam on the cross-entropy of the readout averaged over the answered steps."""

    Card = BPTTCard
    title = "BPTT"
    sources = ("werbos1990", "neftci2019", "kingma2015")
    equations = (
        "dL/dW = sum over t of dL/dh_t dh_t/dW, through every earlier step; spikes use their surrogate derivative"
    )
    signal = "errors"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    messages = Messages(
        errors=True, signals="none", online=False, sources=("werbos1990", "neftci2019"),
        why="dL/dz_j(t) sums W_kj delta_k over the units k that hear unit j: each other part sends its share of the sum",
    )  # fmt: skip
    recurrent_frozen_control = True
    scored_each_epoch = True
    card: BPTTCard

    @classmethod
    def title_for(cls, network: Network) -> str:
        return "surrogate BPTT" if network.cell.output_signal == "spikes" else cls.title

    @classmethod
    def why_not(cls, network: Network) -> str | None:
        if not any(parameter.requires_grad for parameter in network.cell.parameters()):
            return "its recurrent layer is fixed; train its readout with the rule ridge"
        if network.cell.output_signal == "values" and not getattr(network.cell, "differentiable", True):
            return "its winner-take-all output has no derivative; use the rule competitive"
        return None

    @classmethod
    def judgements(cls, network: Network) -> tuple[Judgement, ...]:
        spiking = network.cell.output_signal == "spikes"
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

    @classmethod
    def count_training(
        cls, network: Network, forward: ForwardPass, samples_seen: int, weight_updates: int
    ) -> TrainingCounts:
        """`weight_updates` are steps of Adam, each changing every trained number; see `gradient_counts`."""
        backward = forward.over(samples_seen, backward_counts(network, forward))
        update = update_counts(network, weight_updates, "adam", clipped=True)
        batch = -(-samples_seen // max(1, weight_updates))
        stores = gradient_stores(network, forward.steps * batch, "adam")
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, network.parameter_count)

    def init(self, network: Network, engine: Engine, generator: torch.Generator) -> BPTTState:
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.card.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.card.learning_rate_decay)
        return BPTTState(optimizer, schedule, engine)

    def step(self, network: Network, state: BPTTState, batch: Batch) -> tuple[BPTTState, Info]:
        """One Adam step.

        Raises
        ------
        RunFailed
            If the loss is no longer a finite number.
        """
        state.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(network, state, batch)
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
        """It reads no output of any one step, only the sum behind the answer and, where regularised, each unit's rate."""
        regularised = self.card.rate_weight > 0 and network.cell.output_signal == "spikes"
        if state.mask is not batch.mask or batch.lengths is not None:
            answer = network.readout.step_weights(batch.mask)
            steps = len(answer) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
            state.mask, state.weights = batch.mask, torch.stack([answer, torch.full_like(answer, 1 / steps)])
        weights = state.weights[: 2 if regularised else 1]
        sums = state.engine.weighted_sums(network.cell, batch.x, weights, batch.lengths)
        loss = torch.nn.functional.cross_entropy(network.readout.answer(sums[0], state.weights[0]), batch.target)
        if regularised:
            loss = loss + self.card.rate_weight * (sums[1].mean(0) - self.card.rate_target).square().mean()
        return loss
