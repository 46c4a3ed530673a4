"""Real-time recurrent learning: the gradient of BPTT, computed forward in time (Williams & Zipser 1989)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.engines.engine import Engine
from neurorec.learning.bptt import BPTT
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.influence_counts import influence_counts, influence_stores
from neurorec.learning.influence_run import InfluenceRun
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.learning.traced_run import add_weighted, answers_of, error_of
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task

ANSWER, RATES = "the answer", "the rates"


@dataclass
class RTRLState:
    descent: Descent
    objective: Objective


@rules.register("rtrl")
class RTRL(Rule):
    """Exact, online in time and without a tape, at a price that only small networks can pay: every sample keeps the derivative
    of every state with respect to every weight.

    The derivatives of a step are those that autograd finds, with the surrogate of each spike and with resets detached, so
    that this is the gradient of BPTT for every cell that BPTT can train. When an answer is complete, its error turns the
    mean derivative of the outputs over its steps into a weight change; weights change after each batch.
    """

    Card = DescentCard
    title = "RTRL"
    sources = ("williams1989", "kingma2015")
    equations = (
        "dL/dw = sum over answers and outputs k of dL/dy_k dy_k/dw;   dy_t/dw = dy_t/ds_t P_t + (dy_t/dw at fixed s_t);\n"
        "P_t = ds_t/dw = ds_t/ds_{t-1} P_{t-1} + (ds_t/dw at fixed s_{t-1});   s: all states of the network;\n"
        "spikes have a surrogate derivative"
    )
    signal = "errors"
    sees = ("whole graph",)
    needs = capabilities("state derivatives")
    relative_time = 100.0
    messages = Messages(
        errors=False, signals="outputs", online=False, derivatives=True, sources=("williams1989",),
        why="a unit needs the derivatives of the units it hears with respect to all weights: each unit sends them with its "
        "output; output errors are broadcast",
    )  # fmt: skip
    recurrent_frozen_control = True
    order_free = True
    adds_tied_gradients = True
    learns_start = True
    scored_each_epoch = True
    card: DescentCard

    @classmethod
    def title_for(cls, model: Any) -> str:
        return "surrogate RTRL" if model.spikes else cls.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        return network_why_not(model) or BPTT.why_not(model)

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if task.objective.of_density:
            return "its loss depends on more than the outputs, whose derivatives this rule follows; use bptt"
        return super().why_not_task(task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        _, derivatives, *_ = BPTT.judgements(model)
        return (
            Judgement(
                "partly", "nothing goes backward, but derivatives go forward through a linear copy of the network"
            ),
            derivatives,
            Judgement("kept", "derivatives travel through copies of the forward weights"),
            Judgement(
                "partly",
                "derivatives are updated during the forward pass and there is no backward pass; but an error exists only when "
                "an answer is given, which needs a boundary signal",
            ),
            Judgement("kept", "each unit sends real derivatives, one per weight, besides its spikes or values"),
            Judgement("kept", "every answer needs its target"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """`weight_updates`: steps of Adam; see `influence_counts`."""
        batch = -(-samples_seen // max(1, weight_updates))
        stores = (*gradient_stores(model, 0, "adam"), *influence_stores(model, batch))
        return cls.counted(
            forward, samples_seen, forward.over(samples_seen, influence_counts(model, forward)),
            update_counts(model, weight_updates, "adam", clipped=True), stores, weight_updates, model.parameter_count,
        )  # fmt: skip

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> RTRLState:
        return RTRLState(Descent.of(model, self.card), objective)

    def step(self, model: Network, state: RTRLState, batch: Batch) -> tuple[RTRLState, Info]:
        """One step of Adam.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        InputError
            If the derivatives do not fit into memory.
        """
        value = check_loss(self.gradient(model, state, batch), self.card)
        state.descent.follow(self.card)
        return state, Info(loss=value, updates=1)

    @torch.no_grad()
    def gradient(self, model: Network, state: RTRLState, batch: Batch) -> Tensor:
        """The loss; its gradient is stored in `grad` of every trained number."""
        rated = (
            [name for name in model.hidden if model.signal_of(name) == "spikes"] if self.card.regularises(model) else []
        )
        run, loss = InfluenceRun(model, batch, rated), batch.x.new_zeros(())
        gradient = run.derivatives.new_zeros(run.derivatives.shape[2])
        ends = torch.full((batch.size,), len(batch.x)) if batch.lengths is None else batch.lengths
        rates: dict[str, Tensor] = {}
        for answer in answers_of(batch, state.objective):
            means: dict[str, Tensor] = {}
            for t, weight in zip(answer.steps, answer.weights, strict=True):
                sent, slopes = run.step(batch.x[t])
                y, dy = sent[:, : run.outputs], slopes[:, : run.outputs]
                if not isinstance(weight, float) or weight:
                    add_weighted(means, weight, {ANSWER: y, "slope": dy})
                if rated:
                    share = (t < ends).to(y) * batch.size / ends.sum()
                    add_weighted(rates, share, {RATES: sent[:, run.outputs :], "slope": slopes[:, run.outputs :]})
            if answer.share:
                part, error = error_of(means[ANSWER], answer, state.objective)
                loss, gradient = loss + part, gradient + torch.einsum("bo,bow->w", error, means["slope"])
        if rated:
            part, error = self._rate_error(model, rated, rates[RATES])
            loss, gradient = loss + part, gradient + torch.einsum("bo,bow->w", error, rates["slope"])
        run.store(gradient)
        return loss

    def _rate_error(self, model: Network, rated: list[str], rates: Tensor) -> tuple[Tensor, Tensor]:
        """The regulariser of rates [B, R], and its derivative [B, R]."""
        with torch.enable_grad():
            rates = rates.detach().requires_grad_()
            parts = rates.split([model[name].size for name in rated], 1)
            loss = torch.as_tensor(self.card.rate_loss(dict(zip(rated, parts, strict=True)), model))
            (error,) = torch.autograd.grad(loss, rates)
        return loss.detach(), error
