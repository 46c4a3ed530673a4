"""A forward pass with eligibilities of all synapses, and e-prop's gradient at the end of each answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neurorec.learning.descent import DescentCard
from neurorec.models.cell import Eligibility
from neurorec.models.network import Network
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


@dataclass(frozen=True)
class Answer:
    """One answer per sample: the weighted mean output over `steps`, and its share of the batch's loss."""

    batch: Batch
    steps: range
    weights: list[float] | Tensor  #: of each step, or of each step and sample [S, B]
    share: float


def answers_of(batch: Batch, objective: Objective) -> Iterator[Answer]:
    """Answers in order of time: one for the whole sample if pooled, otherwise one per frame."""
    if objective.pooled:
        weights = batch.mask.to(batch.x.dtype) / batch.mask.sum(0)
        yield Answer(batch, range(len(batch.x)), weights.tolist() if weights.dim() == 1 else weights, 1.0)
        return
    each, counted = batch.steps_per_frame, batch.frame_mask.sum(1)
    for frame, (count, total) in enumerate(zip(counted.tolist(), [int(counted.sum())] * len(counted), strict=True)):
        steps = range(frame * each, (frame + 1) * each)
        part = slice(steps.start, steps.stop)
        target = batch.answers[frame : frame + 1]
        one = replace(batch, x=batch.x[part], target=target, mask=batch.mask[part], lengths=None)
        yield Answer(one, steps, [1 / each] * each, count / total)


def error_of(y: Tensor, answer: Answer, objective: Objective) -> tuple[Tensor, Tensor]:
    """The loss of an answer y [B, O], and its derivative [B, O]."""
    with torch.enable_grad():
        y = y.detach().requires_grad_()
        loss = objective.loss(y if objective.pooled else y[None], answer.batch) * answer.share
        (error,) = torch.autograd.grad(loss, y)
    return loss.detach(), error


class TracedRun:
    """Steps a network forward.

    Attributes
    ----------
    sent : output of every layer in the last step, [B, H] by name
    eligibility : dz/dw of the last step by hidden layer, as factors
    filtered : the same [B, H, L] after the readout's filter; for the readout [B, 1, K + 1], its filtered input and a constant
    """

    def __init__(self, network: Network, batch: int) -> None:
        self.network, self.readout = network, network[network.output]
        self.hidden = [name for component in network.components for name in component if name in network.hidden]
        self.states = {name: layer.start(batch) for name, layer in network.named_layers()}
        self.traces = {name: network[name].start_traces(batch) for name in self.hidden}
        self.sent: dict[str, Tensor] = {}
        self.eligibility: dict[str, Eligibility] = {}
        self.filtered: dict[str, Tensor] = {}
        self.ones = self.readout.bias.new_ones(batch, 1, requires_grad=False)

    def step(self, x: Tensor) -> Tensor:
        """x [B, I] to y [B, O]."""
        self.sent = {INPUT: x.to(self.ones.dtype)}
        for name in self.hidden:
            step, state, traces = self.network[name].traced_step, self.states[name], self.traces[name]
            self.sent[name], self.states[name], e, self.traces[name] = step(state, traces, self._heard(name))
            self.eligibility[name] = e
            self._filter(name, *e)
        heard, name = self._heard(self.network.output), self.network.output
        self._filter(name, torch.cat([heard, self.ones], 1)[:, None], self.ones[:, :, None])
        y, self.states[name] = self.readout.step(self.states[name], heard)
        return y

    def _heard(self, name: str) -> Tensor:
        return torch.cat([self.sent[wire.source] for wire in self.network.wires_into(name)], 1)

    def _filter(self, name: str, one: Tensor, other: Tensor) -> None:
        """The readout's filter applied to the product of both."""
        rate = self.readout.rate
        if name not in self.filtered:
            self.filtered[name] = one * other * rate
        elif rate == 1:
            torch.mul(one, other, out=self.filtered[name])
        else:
            self.filtered[name].mul_(1 - rate).addcmul_(one, other, value=rate)

    def weight(self, name: str) -> Tensor:
        """The weights of a layer's trained synapses side by side, [H, L]: of its input and of its own units, as in its
        eligibilities; of the readout [O, K + 1], its biases last."""
        if name == self.network.output:
            return torch.cat([self.readout.weight, self.readout.bias[:, None]], 1)
        return torch.cat([_matrix(weight) for weight in self.network[name].traced_weights()], 1)

    def request(self, name: str, change: Tensor) -> None:
        """Subtract a change of `weight(name)` from the gradients of the layer's synapses, which an optimiser follows."""
        if name == self.network.output:
            self.readout.weight.grad -= change[:, :-1]
            self.readout.bias.grad -= change[:, -1]
            return
        weights = self.network[name].traced_weights()
        for weight, part in zip(
            weights, change.split([_matrix(weight).shape[1] for weight in weights], 1), strict=True
        ):
            weight.grad -= part.reshape(weight.shape)


def _matrix(weight: Tensor) -> Tensor:
    """Biases [H] as a column."""
    return weight if weight.dim() == 2 else weight[:, None]


def add_weighted(means: dict[str, Tensor], weight: Tensor | float, values: Mapping[str, Tensor]) -> None:
    """means += weight x values; the weight is one number or one per sample [B]."""
    for name, value in values.items():
        if isinstance(weight, Tensor):
            each = weight.reshape(-1, *[1] * (value.dim() - 1))
            means[name] = value * each if name not in means else means[name].addcmul_(value, each)
        else:
            means[name] = value * weight if name not in means else means[name].add_(value, alpha=weight)


class Rates:
    """The firing rates of a batch and their eligibilities, for the regulariser of a spiking network."""

    def __init__(self, batch: Batch) -> None:
        T, B, _ = batch.x.shape
        ends = torch.full((B,), T, device=batch.x.device) if batch.lengths is None else batch.lengths
        self.ends, self.steps = ends, float(ends.sum()) / B
        self.rates: dict[str, Tensor] = {}
        self.eligibility: dict[str, Tensor] = {}

    def add(self, run: TracedRun, t: int) -> None:
        share = (t < self.ends).to(run.ones.dtype) / self.steps
        add_weighted(self.rates, share, {name: run.sent[name] for name in run.hidden})
        add_weighted(self.eligibility, share, {name: e.psi * e.du for name, e in run.eligibility.items()})

    def loss(self, network: Network, card: DescentCard) -> tuple[Tensor, dict[str, Tensor]]:
        """The regulariser, and its derivative with respect to the rates of each layer [B, H]: each unit's own excess."""
        with torch.enable_grad():
            leaves = {name: rate.requires_grad_() for name, rate in self.rates.items()}
            loss = torch.as_tensor(card.rate_loss(leaves, network))
            signals = torch.autograd.grad(loss, list(leaves.values()))
        return loss.detach(), dict(zip(leaves, signals, strict=True))
