"""Feedback alignment through time: the backward pass of BPTT through random weights (Lillicrap et al. 2016)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from neurorec.basics.counts import ForwardPass, Store, TrainingCounts
from neurorec.basics.numbers import PositiveGain
from neurorec.engines.engine import Engine, engines
from neurorec.learning.bptt import BPTT, BPTTCard, BPTTState
from neurorec.learning.gradient_counts import reached_by_errors
from neurorec.learning.rule import OBJECTIONS, Judgement, Messages, network_why_not, rules
from neurorec.models.cell import Cell
from neurorec.models.layer import Layer, draw_normal
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Batch


class FeedbackAlignmentCard(BPTTCard):
    feedback_gain: (
        PositiveGain  #: feedback weights of a matrix [H, L] have a standard deviation of feedback_gain / sqrt(L)
    )


@dataclass
class FeedbackState(BPTTState):
    back: dict[nn.Parameter, Tensor] = field(default_factory=dict)  #: B, by the weight that it replaces backward


@rules.register("feedback_alignment")
class FeedbackAlignment(BPTT):
    """BPTT in which every error that passes synapses backward, to earlier steps or to layers below, passes random and fixed
    weights instead of the forward ones. Within a unit (its membrane, its own decay), derivatives are those of BPTT."""

    Card = FeedbackAlignmentCard
    title = "feedback alignment"
    sources = ("lillicrap2016", "werbos1990", "kingma2015")
    equations = (
        "dL/dW as by BPTT, with B instead of W wherever an error goes back through synapses: dL/dx = B' delta instead of\n"
        "W' delta, for y = W x + b and delta = dL/dy;   B random and fixed, one for every W"
    )
    messages = Messages(
        errors=True, signals="none", online=False, sources=("lillicrap2016",),
        why="as in BPTT, each part sends back its share of the sum over k of B_kj delta_k, but by weights of the way back",
    )  # fmt: skip
    card: FeedbackAlignmentCard

    @classmethod
    def title_for(cls, model: Any) -> str:
        return f"{cls.title} (surrogate)" if model.spikes else cls.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model) or super().why_not(model)
        if reason is not None:
            return reason
        for _, layer in model.named_layers():
            if not isinstance(layer, Cell | Readout) or not _multiplied(layer) >= set(_matrices(layer)):
                return (
                    f"the weights of {layer.title} are not all used as plain matrix products, which could have a way back of "
                    "their own; use bptt"
                )
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        found = dict(zip(OBJECTIONS, super().judgements(model), strict=True))
        found["weights of the forward paths"] = Judgement(
            "relaxed", "the backward path has its own weights, which are random and fixed"
        )
        return tuple(found.values())

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """As BPTT, except that the weights of the way back are stored apart."""
        training = super().count_training(model, forward, samples_seen, weight_updates)
        stored = {name: _numbers_of_the_way_back(model, name) for name in model.layers}
        more = tuple(Store(name, "weight", words) for name, words in stored.items() if words)
        return replace(training, stores=(*training.stores, *more))

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> FeedbackState:
        state = super().init(model, engines["torch"](), objective, generator)
        back = {weight: torch.zeros_like(weight) for _, layer in model.named_layers() for weight in _matrices(layer)}
        for weights in back.values():
            draw_normal(weights, self.card.feedback_gain, generator)
        return FeedbackState(state.descent, state.engine, objective, back=back)

    def engine_name(self, engine: Engine) -> str:
        """The plain loop; the network's own engine only scores it."""
        return engines["torch"].title

    def _loss(self, network: Network, state: Any, batch: Batch) -> Tensor:
        with _WayBack(state.back):
            return super()._loss(network, state, batch)


class _Linear(torch.autograd.Function):
    """y = x W' + b, whose derivative with respect to x is taken with B instead of W."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None, back: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, back)
        return nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, delta: Tensor):  # type: ignore[override]
        x, back = ctx.saved_tensors
        flat = delta.flatten(0, -2)
        before = delta @ back if ctx.needs_input_grad[0] else None
        return before, flat.T @ x.flatten(0, -2), flat.sum(0) if ctx.needs_input_grad[2] else None, None


class _WayBack(TorchFunctionMode):
    """Products with the weights in `back` return errors through other weights."""

    def __init__(self, back: Mapping[Any, Tensor]) -> None:
        super().__init__()
        self.back: Mapping[Any, Tensor] = back
        self.met: set[Any] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is nn.functional.linear:
            x, weight, bias = (*args, None)[:3]
            self.met.add(weight)
            if weight in self.back:
                return _Linear.apply(x, weight, bias, self.back[weight])
        return func(*args, **(kwargs or {}))


def _matrices(layer: Layer) -> Iterator[nn.Parameter]:
    return (weight for weight in layer.parameters() if weight.dim() == 2 and weight.requires_grad)


@torch.no_grad()
def _multiplied(layer: Layer) -> set[Any]:
    """The weights that a step of the layer uses in plain products."""
    with _WayBack({}) as seen:
        layer.step(layer.start(1), next(layer.parameters()).new_zeros(1, layer.input_size))
    return seen.met


def _numbers_of_the_way_back(network: Network, name: str) -> int:
    """Feedback weights of a layer: of its trained recurrence, and of its synapses from layers that errors reach."""
    layer, reached = network[name], reached_by_errors(network)
    inward = [wire for wire in network.wires_into(name) if wire.source in reached and wire not in network.cut]
    lines = sum(int(layer.operations().input_fan_out[network.lines_of(wire)].sum()) for wire in inward)
    return lines + sum(weight.numel() for weight in layer.recurrent_weights() if weight.requires_grad)
