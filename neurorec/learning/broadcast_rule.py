"""Shared by rules that broadcast the errors of the outputs, through feedback weights, to synapses with eligibility traces."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import InputError
from neurorec.engines.engine import Engine
from neurorec.learning.descent import Descent, check_loss
from neurorec.learning.feedback_weights import Feedback, draw_feedback, readout_lines, readout_weights
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.rule import Info, Rule, network_why_not
from neurorec.learning.synapses import Synapses
from neurorec.learning.trace_counts import (
    feedback_stores,
    feedback_update,
    hidden_counts,
    readout_counts,
    trace_words,
)
from neurorec.learning.traced_run import Rates, TracedRun, add_weighted, answers_of, error_of
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

ANSWER = "the answer"


@dataclass
class BroadcastState:
    descent: Descent
    objective: Objective
    feedback: dict[str, Tensor] = field(default_factory=dict)  #: [O, H] by layer, if not the readout's own


class BroadcastRule(Rule):
    """Forward in time, without a tape. An answer is the mean output over some steps: all masked steps of a sample, or those of
    one frame. Eligibilities, filtered as the readout filters its input, are averaged over the same steps. When an answer is
    complete, its error reaches every unit j as L_j = sum_k B_jk dL/dy_k, and turns the average into a weight change.

    Adam turns the changes into updates, with moments stored at the synapse; only the norm used for clipping is global.
    """

    signal = "errors"
    sees = ("pre", "post", "modulator", "feedback weights")
    needs = capabilities("synapse traces")
    relative_time = 10.0
    recurrent_frozen_control = True
    order_free = True
    adds_tied_gradients = True
    scored_each_epoch = True
    reports = ("feedback_weights", "feedback_changes")
    reaches_every_layer: ClassVar[bool] = False  #: whether errors also go to layers that the readout does not hear
    card: Any

    @property
    @abstractmethod
    def feedback(self) -> Feedback:
        """How the errors of the outputs reach units."""

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        for name, layer in model.hidden.items():
            if not any(parameter.requires_grad for parameter in layer.parameters()):
                return "its recurrent layer is fixed; train its readout with the rule ridge"
            if not (isinstance(layer, Cell) and layer.has_traces()):
                return f"no eligibility traces are defined for {layer.title}; train with bptt"
            if getattr(layer, "learns_time_constants", False):
                return (
                    f"{cls.title} trains synapses but not time constants; set learn_time_constants = false, or use bptt"
                )
            heard = any(wire.target == model.output for wire in model.heard_by(name))
            if not heard and not cls.reaches_every_layer:
                return f'no error reaches its layer "{name}", because the readout does not hear it; add a wire, or use bptt'
        if not isinstance(model[model.output], Readout) or not all(wire.plain for wire in model.wires):
            return "it has delayed or transformed wires between layers, for which there are no traces; use bptt"
        if not model[model.output].trained:
            return "its readout has no weights through which errors could be broadcast; use bptt"
        return None

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> BroadcastState:
        feedback = {} if self.feedback == "symmetric" else draw_feedback(model, generator)
        learned = feedback.values() if self.feedback == "adaptive" else ()
        return BroadcastState(Descent.of(model, self.card, learned), objective, feedback)

    @torch.no_grad()
    def step(self, model: Network, state: BroadcastState, batch: Batch) -> tuple[BroadcastState, Info]:
        """One step of Adam.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        """
        state.descent.optimizer.zero_grad(set_to_none=True)
        loss = self.gradient(model, state, batch)
        value = check_loss(loss, self.card)
        state.descent.follow(self.card)
        if self.feedback == "adaptive":
            self._shrink(model, state)
        return state, self._info(state, value)

    def _info(self, state: BroadcastState, loss: float) -> Info:
        numbers = sum(weights.numel() for weights in state.feedback.values())
        changed = numbers * (self.feedback == "adaptive")
        return Info(loss, 1, {"feedback_weights": numbers, "feedback_changes": changed})

    @torch.no_grad()
    def gradient(self, model: Network, state: BroadcastState, batch: Batch) -> Tensor:
        """The loss; its e-prop gradient is stored in `grad` of every trained number."""
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        for weights in state.feedback.values():
            weights.grad = torch.zeros_like(weights)
        run, rates = TracedRun(model, batch.size), Rates(batch) if self.card.regularises(model) else None
        loss = torch.zeros((), device=batch.x.device)
        for answer in answers_of(batch, state.objective):
            means: dict[str, Tensor] = {}
            for t, weight in zip(answer.steps, answer.weights, strict=True):
                outputs = {ANSWER: run.step(batch.x[t])}
                if not isinstance(weight, float) or weight:
                    add_weighted(means, weight, run.filtered | outputs)
                if rates is not None:
                    rates.add(run, t)
            if not answer.share:  # a frame that is not masked
                continue
            part, error = error_of(means[ANSWER], answer, state.objective)
            loss = loss + part
            for name in (*model.hidden, model.output):
                own = error.new_zeros(error.shape[0], model[name].size)
                self._request(run, name, means, own, error, self._feedback(model, state, name))
            if self.feedback == "adaptive":
                self._learn_feedback(model, state, means[model.output][:, 0], error)
        return loss if rates is None else loss + self._regularise(run, rates)

    def _regularise(self, run: TracedRun, rates: Rates) -> Tensor:
        penalty, excess = rates.loss(run.network, self.card)
        for name, own in excess.items():
            nothing = own.new_zeros(len(own), 1), own.new_zeros(1, own.shape[1])
            self._request(run, name, rates.eligibility, own, *nothing)
        return penalty

    def _request(
        self, run: TracedRun, name: str, traces: Mapping[str, Tensor], own: Tensor, error: Tensor, feedback: Tensor
    ) -> None:
        pre = traces[name][:, 0] if name == run.network.output else traces[name]
        shown = {"pre": pre, "post": own, "modulator": error, "feedback": feedback}
        run.request(name, self.changed(run.weight(name), name, **shown))

    def _learn_feedback(self, model: Network, state: BroadcastState, heard: Tensor, error: Tensor) -> None:
        """Changes of the feedback weights by the same products as in the readout: errors times what layers send it."""
        own, feedback = torch.zeros_like(error), self._feedback(model, state, model.output)
        for name, weights in state.feedback.items():
            shown = {"pre": heard[:, readout_lines(model, name)], "post": own, "modulator": error, "feedback": feedback}
            weights.grad = weights.grad - self.changed(weights, name, **shown)  # type: ignore[operator]

    def _shrink(self, model: Network, state: BroadcastState) -> None:
        for name, weights in state.feedback.items():
            for each in (weights, readout_weights(model, name)):
                each += self.changed(each, modulator=self.card.feedback_decay)

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """-L_j times each synapse's eligibility, or times its trace, if that is the same for all units. Besides the
        feedback, L_j contains the excess of the unit's own rate. If the modulator is one number, weights decay by it."""
        if isinstance(synapses.modulator, float):
            return -synapses.modulator * synapses.weight
        signal = synapses.modulator @ synapses.feedback + synapses.post
        each = "bh,bhl->hl" if synapses.pre.dim() == 3 else "bh,bl->hl"
        return -torch.einsum(each, signal, synapses.pre)

    def _feedback(self, model: Network, state: BroadcastState, name: str) -> Tensor:
        """B [O, H] of a hidden layer; every output unit hears its own error."""
        if name == model.output:
            return torch.eye(model[name].size).to(model[name].weight)
        return state.feedback[name] if name in state.feedback else readout_weights(model, name)

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, feedback_weights: int = 0,
        feedback_changes: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """Counted as published, with an error in every step. Per step: the cell's own traces (`trace_operations`), including
        e = psi x per synapse but not its low-pass e' and the change += L e'; L_j = sum_k W_kj error_k through the readout's own
        weights or others, with O errors broadcast; readout changes += error x filtered z. `weight_updates`: steps of Adam.
        `feedback_weights` and `feedback_changes`: feedback weights stored apart, and learned, summed over these steps. Learned
        ones change as the readout's do; then both shrink (one product each)."""
        reason = cls.why_not(model)
        if reason is not None:
            raise InputError(f"{cls.title} is not counted for {model.title}: {reason}")
        readout, runs, steps = model[model.output], forward.sample_steps, max(1, weight_updates)
        counts = {name: hidden_counts(layer, runs, readout) for name, layer in model.hidden.items()}
        counts[model.output] = readout_counts(readout, runs, learned=feedback_changes // steps)
        stores = gradient_stores(model, 0, "adam")
        stores += tuple(Store(name, "trace", words) for name, words in trace_words(model).items() if words)
        stores += feedback_stores(model.output, feedback_weights // steps, feedback_changes // steps)
        update = update_counts(model, weight_updates, "adam", clipped=True)
        update += LayerCounts({model.output: feedback_update(feedback_changes)})
        return cls.counted(
            forward, samples_seen, forward.over(samples_seen, LayerCounts(counts)), update, stores, weight_updates,
            model.parameter_count,
        )  # fmt: skip
