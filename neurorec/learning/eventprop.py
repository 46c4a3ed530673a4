"""EventProp: backpropagation of errors at spikes, by the adjoint method (Wunderlich & Pehle 2021)."""

from dataclasses import dataclass
from typing import Any, Self

import torch
from pydantic import model_validator

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.engines.engine import Engine
from neurorec.learning.adjoint_counts import adjoint_counts, adjoint_stores
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.learning.spike_adjoint import AdjointEngine, adjoint_form
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Batch


class EventPropCard(DescentCard):
    @model_validator(mode="after")
    def _rates_have_no_gradient(self) -> Self:
        if self.rate_weight:
            raise ValueError(
                "rate_weight must be 0, because the number of spikes has no gradient with respect to the weights "
                f"(got {self.rate_weight:g})"
            )
        return self


@dataclass
class EventPropState:
    descent: Descent
    engine: Engine
    objective: Objective


@rules.register("eventprop")
class EventProp(Rule):
    """Adam on the gradient of the loss with respect to the times of the spikes (`spike_adjoint.py` has the equations).

    The loss is that of the task's objective on the readout, whose potential depends on when spikes arrive. The gradients are
    exact in the limit of short steps; on the grid of steps, to first order in dt. What a weight change does to the
    number of spikes is not seen, so a silent neuron does not learn.
    """

    Card = EventPropCard
    title = "EventProp"
    sources = ("wunderlich2021", "kingma2015")
    equations = (
        "dL/dW_ji = sum over spikes of i at t of B_j(t);   with A = dL/dv, B = dL/di: between spikes, backward in time,\n"
        "tau_mem A' = A, tau_syn B' = B - tau_syn/tau_mem A;   at a spike of j: A_j (before) = [v'_after A_j - dL/dt_j\n"
        "- sum over targets k of W_kj (B_k/tau_syn - A_k/tau_mem)] / v'_before;   dL/dt_j: the loss's own dependence on t"
    )
    signal = "errors"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    relative_time = 3.0
    messages = Messages(
        errors=True, errors_at_spikes=True, signals="none", online=False, sources=("wunderlich2021",),
        why="a spike of unit j at t needs sum over its targets k of W_kj (B_k/tau_syn - A_k/tau_mem) at t: each other part "
        "that received the spike returns its share of the sum, once per spike",
    )  # fmt: skip
    recurrent_frozen_control = True
    order_free = True
    adds_tied_gradients = True
    scored_each_epoch = True
    card: EventPropCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        if not any(parameter.requires_grad for layer in model.hidden.values() for parameter in layer.parameters()):
            return "its recurrent layer is fixed; train its readout with the rule ridge"
        for name, layer in model.hidden.items():
            if layer.output_signal != "spikes":
                return f'its layer "{name}" sends values, but the rule differentiates the times of spikes; use bptt'
            if isinstance(form := adjoint_form(layer), str):
                return f"{form}, and the rule differentiates LIF neurons with a hard reset; use bptt"
        if not isinstance(model[model.output], Readout):
            return "its output is not a readout, whose potential depends on spike times; use bptt"
        if model.recurrent_wires:
            return "it has loops of several layers, but the rule goes back through one layer after another; use bptt"
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement(
                "kept",
                "between spikes the adjoint equations are linear; at a spike they take the sum of transposed errors",
            ),
            Judgement(
                "kept",
                "no surrogate, but every error is divided by the slope dv/dt with which the neuron crossed its threshold, "
                "which must be stored for each spike",
            ),
            Judgement("kept", "the backward path uses the transpose of the forward weights"),
            Judgement(
                "kept", "a pass backward in time alternates with the forward pass, and visits its spikes in reverse"
            ),
            Judgement(
                "partly", "forward messages are spikes, and errors are sent only for spikes, but are real values"
            ),
            Judgement("kept", "every sample needs its target"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """`weight_updates`: steps of Adam, each of which changes every trained number; see `adjoint_counts`."""
        backward = forward.over(samples_seen, adjoint_counts(model, forward))
        update = update_counts(model, weight_updates, "adam", clipped=True)
        stores = adjoint_stores(model, forward, -(-samples_seen // max(1, weight_updates)))
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, model.parameter_count)

    def engine_name(self, engine: Any) -> str:
        return AdjointEngine.title

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> EventPropState:
        return EventPropState(Descent.of(model, self.card), AdjointEngine(), objective)

    def step(self, model: Network, state: EventPropState, batch: Batch) -> tuple[EventPropState, Info]:
        """One step of Adam.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        """
        state.descent.optimizer.zero_grad(set_to_none=True)
        loss = state.objective.loss(state.engine.answers(model, batch, state.objective), batch)
        value = check_loss(loss, self.card)
        loss.backward()
        state.descent.follow(self.card)
        return state, Info(loss=value, updates=1)
