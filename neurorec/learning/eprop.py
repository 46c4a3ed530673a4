"""E-prop: eligibility traces at the synapses, and output errors broadcast to the neurons (Bellec et al. 2020)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import InputError
from neurorec.engines.engine import Engine
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.learning.synapses import Synapses
from neurorec.learning.traced_run import Rates, TracedRun, add_weighted, answers_of, error_of
from neurorec.models.cell import Cell, draw_normal
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

ANSWER = "the answer"
LOW_PASS = 2  #: operations: a product and a sum


class EPropCard(DescentCard):
    feedback: Literal["symmetric", "random"]
    """Feedback weights B: those of the readout itself, or random and fixed."""


@dataclass
class EPropState:
    descent: Descent
    objective: Objective
    feedback: dict[str, Tensor] = field(default_factory=dict)  #: [O, H] by layer, if not the readout's own


@rules.register("eprop")
class EProp(Rule):
    """Forward in time with traces per synapse and without a tape: memory grows with B H L (L lines into H neurons), not with T.

    e_ji is the exact derivative of neuron j's spike with respect to its weight w_ji through j's own state, with a surrogate
    for the spike's derivative and the reset's spike detached (`traced_step` of the cell). The gradient omits the effect of
    j's spike on other neurons, and on itself through its own synapse: the paths dz_k(t+1)/dz_j(t) through W_rec (and
    through layers above). Without recurrent weights nothing is omitted, and the gradient is that of BPTT.

    An answer is the mean output over some steps: all masked steps of a sample, or those of one frame. The filtered
    eligibilities are averaged over the same steps; when the answer is complete, its error dL/dy reaches every neuron as
    L_j = sum_k B_jk dL/dy_k and turns the average into a weight change. The error is thus needed once per answer, at its end.
    """

    Card = EPropCard
    title = "e-prop"
    sources = ("bellec2020", "kingma2015")
    equations = (
        "dL/dw_ji = sum over answers of L_j <F(e_ji)>;   L_j = sum over k of B_jk dL/dy_k;\n"
        "e_ji(t) = dz_j(t)/dw_ji through j's own state;   F: the readout's filter;   <>: the mean over the answer's steps"
    )
    signal = "errors"
    sees = ("pre", "post", "modulator", "feedback weights")
    needs = capabilities("synapse traces")
    relative_time = 10.0
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("bellec2020",),
        why="every unit j needs L_j(t) = sum over outputs k of B_jk (y_k - y*_k): the O output errors are broadcast, B is "
        "symmetric, random or learned but local; eligibility traces stay where they are",
    )  # fmt: skip
    recurrent_frozen_control = True
    order_free = True
    adds_tied_gradients = True
    scored_each_epoch = True
    card: EPropCard

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
                return "e-prop trains synapses but not time constants; set learn_time_constants = false, or use bptt"
            if not any(wire.target == model.output for wire in model.heard_by(name)):
                return f'no error reaches its layer "{name}", because the readout does not hear it; add a wire, or use bptt'
        if not isinstance(model[model.output], Readout) or not all(wire.plain for wire in model.wires):
            return "it has delayed or transformed wires between layers, for which there are no traces; use bptt"
        if not model[model.output].trained:
            return "its readout has no weights through which errors could be broadcast; use bptt"
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement(
                "partly",
                "nothing is propagated back through layers or steps; one linear map carries output errors to neurons",
            ),
            Judgement("partly", "each neuron uses a surrogate for the derivative of its own spike"),
            Judgement("partly", "feedback weights are the readout's own (symmetric) or independent of them (random)"),
            Judgement(
                "partly",
                "traces are updated during the forward pass and there is no backward pass; but an error exists only when an "
                "answer is given, so weights change at the end of a sample or frame, which needs a boundary signal",
            ),
            Judgement("partly", "neurons send spikes, but output errors are broadcast as real values"),
            Judgement("kept", "every answer needs its target"),
        )

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> EPropState:
        feedback = {}
        if self.card.feedback == "random":
            readout = model[model.output]
            for name, layer in model.hidden.items():
                feedback[name] = torch.zeros(readout.size, layer.size, dtype=readout.weight.dtype)
                draw_normal(feedback[name], (layer.size / readout.input_size) ** 0.5, generator)
                feedback[name] = feedback[name].to(readout.weight.device)
        return EPropState(Descent.of(model, self.card), objective, feedback)

    @torch.no_grad()
    def step(self, model: Network, state: EPropState, batch: Batch) -> tuple[EPropState, Info]:
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
        return state, Info(loss=value, updates=1)

    @torch.no_grad()
    def gradient(self, model: Network, state: EPropState, batch: Batch) -> Tensor:
        """The loss; its e-prop gradient is stored in `grad` of every trained number."""
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
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
        if rates is None:
            return loss
        penalty, excess = rates.loss(model, self.card)
        nothing = batch.x.new_zeros(batch.size, 1)
        for name, own in excess.items():
            self._request(run, name, rates.eligibility, own, nothing, own.new_zeros(1, own.shape[1]))
        return loss + penalty

    def _request(
        self, run: TracedRun, name: str, traces: Mapping[str, Tensor], own: Tensor, error: Tensor, feedback: Tensor
    ) -> None:
        pre = traces[name][:, 0] if name == run.network.output else traces[name]
        shown = {"pre": pre, "post": own, "modulator": error, "feedback": feedback}
        run.request(name, self.changed(run.weight(name), **shown))

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """-L_j times each synapse's eligibility, or times its trace, if that is the same for all units. Besides what its
        feedback brings, L_j contains the excess of the unit's own rate."""
        signal = synapses.modulator @ synapses.feedback + synapses.post
        each = "bh,bhl->hl" if synapses.pre.dim() == 3 else "bh,bl->hl"
        return -torch.einsum(each, signal, synapses.pre)

    def _feedback(self, model: Network, state: EPropState, name: str) -> Tensor:
        """B [O, H] of a hidden layer; every output unit hears its own error."""
        if name == model.output:
            return torch.eye(model[name].size).to(model[name].weight)
        if name in state.feedback:
            return state.feedback[name]
        (wire,) = (wire for wire in model.heard_by(name) if wire.target == model.output)
        return model[model.output].weight[:, model.lines_of(wire)]

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Counted as published, with an error in every step. Per step: the cell's own traces (`trace_operations`), including
        e = psi x per synapse but not its low-pass e' and the change += L e'; L_j = sum_k W_kj error_k through the readout's own
        weights, with O errors broadcast; readout changes += error x filtered z. `weight_updates`: steps of Adam."""
        reason = cls.why_not(model)
        if reason is not None:
            raise InputError(f"e-prop is not counted for {model.title}: {reason}")
        readout, runs = model[model.output], forward.sample_steps
        counts = {name: _hidden_counts(layer, runs, readout.size) for name, layer in model.hidden.items()}
        counts[model.output] = _readout_counts(readout, runs)
        traces = {name: _traces(layer) + _synapses(layer)[0] for name, layer in model.hidden.items()}
        traces[model.output] = readout.input_size
        stores = gradient_stores(model, 0, "adam")
        stores += tuple(Store(name, "trace", words) for name, words in traces.items())
        return cls.counted(
            forward, samples_seen, forward.over(samples_seen, LayerCounts(counts)),
            update_counts(model, weight_updates, "adam", clipped=True), stores, weight_updates, model.parameter_count,
        )  # fmt: skip


def _synapses(layer: Any) -> tuple[int, int]:
    """Number of trained synapses of a layer, and of their input lines."""
    declared, recurrent = layer.operations(), any(weight.requires_grad for weight in layer.recurrent_weights())
    synapses = int(declared.input_fan_out.sum()) + recurrent * int(declared.recurrent_fan_out.sum())
    return synapses, layer.input_size + recurrent * layer.size


def _traces(layer: Any) -> int:
    """Number of traces of a layer's lines and synapses."""
    return sum(trace.numel() for trace in layer.start_traces(1) if isinstance(trace, Tensor))


def _hidden_counts(layer: Any, runs: int, outputs: int) -> Counts:
    (synapses, lines), own = _synapses(layer), layer.trace_operations()
    traces = runs * (_traces(layer) + synapses)  # and the low-pass of each eligibility
    return Counts(
        macs=runs * synapses,
        dense_macs=runs * synapses,
        values_sent=runs * outputs,
        elementwise=runs * (own.per_line * lines + (own.per_synapse + LOW_PASS) * synapses),
        nonlinearities=runs * layer.size,
        trace_reads=traces,
        trace_writes=traces,
        trace_updates=traces,
        gradient_reads=runs * synapses,
        gradient_writes=runs * synapses,
    )


def _readout_counts(readout: Any, runs: int) -> Counts:
    heard, synapses = readout.input_size, readout.input_size * readout.size
    return Counts(
        macs=runs * 2 * synapses,
        dense_macs=runs * 2 * synapses,
        elementwise=runs * LOW_PASS * heard,
        weight_reads=runs * synapses,
        trace_reads=runs * heard,
        trace_writes=runs * heard,
        trace_updates=runs * heard,
        gradient_reads=runs * synapses,
        gradient_writes=runs * synapses,
    )
