"""Predictive coding: values settle between predictions and targets, then weights reduce the errors that are left."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import PositiveGain, Repeats, Share
from neurorec.engines.engine import Engine
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, Messages, Rule, network_why_not, rules
from neurorec.learning.synapses import Synapses
from neurorec.learning.value_nodes import ValueNodes
from neurorec.models.cell import Cell
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class PredictiveCodingCard(DescentCard):
    inference_steps: Repeats  #: before weights change; errors move by one layer or time step in each
    inference_rate: Share  #: by which values follow the errors in each
    precision: PositiveGain  #: weight of the loss beside the prediction errors of hidden units


@dataclass
class InferenceState:
    descent: Descent
    engine: Engine
    objective: Objective


@rules.register("predictive_coding")
class PredictiveCoding(Rule):
    """Adam on the errors that remain after inference, divided by the precision of the output.

    As the precision goes to 0, the errors of hidden units become those of backpropagation (Whittington & Bogacz 2017), if
    inference has converged. At larger ones values move towards the target, and the change descends F, not L. Errors cross one
    layer or time step per step of inference at the most, and a high rate makes inference unstable.

    A recurrent network is unrolled: it has value and error nodes for every step of a sample (Millidge et al. 2022). This is as
    non-local in time as backpropagation through time; no variant that avoids this is known.
    """

    Card = PredictiveCodingCard
    title = "predictive coding"
    sources = ("rao1999", "whittington2017", "millidge2022", "kingma2015")
    equations = (
        "p_t = f(W_in x_t + W_rec v_{t-1} + b),   e_t = v_t - p_t,   F = sum of |e_t|^2 / 2 + precision L(v);\n"
        "inference: v -= rate dF/dv = rate (e_t - W_rec^T (f' e_{t+1}) - (from layers above) + precision dL/dv);\n"
        "then -dL/dw_ji = <f'_j e_j x_i> / precision;   readout: -dL/dw_kj = -<dL/dy_k v_j>, before inference"
    )
    signal = "errors"
    sees = ("pre", "post")
    reaches = "after inference, in which errors spread through the network's own weights"
    needs = capabilities("backward pass")
    relative_time = 5.0
    messages = Messages(
        errors=True, signals="none", online=False, sources=("whittington2017",),
        why="in every step of inference, each part returns the errors of its nodes, weighted by its own synapses, to the units "
        "that it hears: one real number per unit and time step",
    )  # fmt: skip
    order_free = True
    scored_each_epoch = True
    reports = ("inferences",)
    card: PredictiveCodingCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model)
        if reason is not None:
            return reason
        for layer in model.hidden.values():
            if not (isinstance(layer, Cell) and layer.has_sums() and layer.output_signal == "values"):
                return (
                    f"it requires units whose output is a function of their weighted sum, unlike {layer.title}; use the cells "
                    "dense and elman, or bptt"
                )
        if not isinstance(model[model.output], Readout) or not all(wire.plain for wire in model.wires):
            return "it has delayed or transformed wires between layers, for which there are no error nodes; use bptt"
        return None

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        reason = super().why_not_task(task)
        if reason is None and task.objective.of_density:
            return "it predicts activities, but this task asks for the probability of its inputs; use bptt"
        return reason

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement(
                "partly",
                "there is no separate backward pass: values and errors settle together; but what error nodes send back is a "
                "linear function of the errors",
            ),
            Judgement("kept", "each error is multiplied by the derivative of its unit's own activation function"),
            Judgement("kept", "errors return through the transpose of the forward weights"),
            Judgement(
                "partly",
                "there is no backward pass, but weights change only when inference has settled; and a recurrent network has "
                "nodes for all steps of a sample, so that the whole sample must be stored",
            ),
            Judgement("kept", "values and errors are real values"),
            Judgement("kept", "every sample needs its target"),
        )

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, inferences: int = 0
    ) -> TrainingCounts:
        """`inferences`: steps of inference, summed over samples; in each, all predictions are recomputed as in a forward pass,
        and errors return. Then products of errors and values are added to the gradients. `weight_updates`: steps of Adam."""
        returned = {name: _returned(model, name, forward) for name in model.layers}
        products = {name: _products(model, name, forward) for name in model.layers}
        backward = forward.over(inferences, forward.layers + LayerCounts(returned))
        update = forward.over(samples_seen, LayerCounts(products))
        held = forward.steps * -(-samples_seen // max(1, weight_updates))  # steps of all samples of a batch
        nodes = tuple(Store(name, "trace", 2 * held * layer.size) for name, layer in model.hidden.items())
        return cls.counted(
            forward, samples_seen, backward, update + update_counts(model, weight_updates, "adam", clipped=True),
            (*gradient_stores(model, 0, "adam"), *nodes), weight_updates, model.parameter_count,
        )  # fmt: skip

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> InferenceState:
        return InferenceState(Descent.of(model, self.card), engine, objective)

    def step(self, model: Network, state: InferenceState, batch: Batch) -> tuple[InferenceState, Info]:
        """One step of Adam. Raises `RunFailed` if the loss is not finite."""
        value = check_loss(self.gradient(model, state.engine, state.objective, batch), self.card)
        state.descent.follow(self.card)
        return state, Info(value, 1, {"inferences": batch.size * self.card.inference_steps})

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """`post`: the error of the unit, times the slope of its function; for the readout, that of the output."""
        return synapses.post.T @ synapses.pre

    @torch.no_grad()
    def gradient(self, model: Network, engine: Engine, objective: Objective, batch: Batch) -> Tensor:
        """The loss; the gradient by predictive coding is stored in `grad` of every trained number.

        Raises
        ------
        RunFailed
            If a value becomes infinite.
        """
        nodes = ValueNodes(model, engine, objective, batch, self.card.precision)
        loss, error = nodes.output_errors()
        readout = model[model.output]
        if readout.trained:
            found = self._changed(readout, [readout.weight], [nodes.heard(model.output, nodes.values)], error)
            readout.weight.grad, readout.bias.grad = found[:, :-1] / -batch.size, found[:, -1] / -batch.size
        nodes.infer(self.card.inference_steps, self.card.inference_rate)
        if not all(value.isfinite().all() for value in nodes.values.values()):
            raise RunFailed(
                f"inference became unstable; lower inference_rate (now {self.card.inference_rate:g}) or precision "
                f"(now {self.card.precision:g}) in the pair card"
            )
        for name in model.hidden:
            layer: Any = model[name]
            own = [weight for weight in layer.recurrent_weights() if weight.requires_grad]
            arrived = [nodes.heard(name, nodes.values), *[nodes.before(name, nodes.values)] * len(own)]
            found = self._changed(layer, [layer.w_in, *own], arrived, nodes.errors(name)[1])
            parts = (found / (-self.card.precision * batch.size)).split([*(part.shape[2] for part in arrived), 1], 1)
            for weight, part in zip([layer.w_in, *own], parts, strict=False):
                weight.grad = part.contiguous()  # as the optimiser expects
            layer.bias.grad = parts[-1][:, 0].contiguous()
        return loss

    def _changed(self, layer: Any, weights: list[Tensor], arrived: list[Tensor], error: Tensor) -> Tensor:
        """The change of weights and, last, biases, summed over steps and samples."""
        pre = torch.cat([*arrived, torch.ones_like(error[..., :1])], 2).flatten(0, 1)
        return self.changed(torch.cat([*weights, layer.bias[:, None]], 1), pre=pre, post=error.flatten(0, 1))


def _returned(model: Network, name: str, forward: ForwardPass) -> Counts:
    """The errors that a layer returns to the units that it hears, over the observed samples; and how its values move."""
    layer, seen = model[name], forward.layers.of(name)
    declared, runs, back = layer.operations(), forward.sample_steps, forward.sample_steps - forward.started
    hidden = name in model.hidden
    through = back * int(declared.recurrent_fan_out.sum())
    for wire in model.wires_into(name):
        if wire.source in model.hidden:
            through += runs * int(declared.input_fan_out[model.lines_of(wire)].sum())
    nodes = runs * layer.size * hidden
    return Counts(
        macs=through, dense_macs=through, weight_reads=through,
        values_sent=runs * layer.size, activation_writes=runs * layer.size,
        activation_reads=back * int((declared.recurrent_fan_out > 0).sum()),
        elementwise=5 * nodes + hidden * (seen.elementwise + seen.nonlinearities),  # v - p; times slope; sum, rate, difference
        trace_reads=2 * nodes, trace_writes=2 * nodes, trace_updates=2 * nodes,
    )  # fmt: skip


def _products(model: Network, name: str, forward: ForwardPass) -> Counts:
    """Errors times values at every trained synapse."""
    layer, seen = model[name], forward.layers.of(name)
    if not model.trained_numbers(name):
        return Counts()
    changes = seen.synaptic_events + seen.macs + forward.sample_steps * model.trained_numbers(name, dim=1)
    nodes = forward.sample_steps * layer.size * (name in model.hidden)
    return Counts(
        synaptic_events=seen.synaptic_events, macs=seen.macs, dense_macs=seen.dense_macs,
        activation_reads=seen.activation_reads, address_reads=seen.address_reads, trace_reads=2 * nodes,
        gradient_reads=changes, gradient_writes=changes,
    )  # fmt: skip
