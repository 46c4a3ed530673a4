"""Value and error nodes of predictive coding: one of each for every unit in every step of a sample."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurorec.engines.engine import Engine
from neurorec.models.network import Network
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class ValueNodes:
    """Values v of the hidden units [T, B, H] by layer, first those of the network's own run; inference changes them.

    A prediction p = f(W_in x + W_rec v' + b) is made of the values of the layers below and of the layer's own in the step
    before, v'. Inference descends F = sum |v - p|^2 / 2 + precision L, L being the loss of each sample, given what the readout
    makes of v. Each value feels its own error, and those of the units that it helps to predict.
    """

    def __init__(self, network: Network, engine: Engine, objective: Objective, batch: Batch, precision: float) -> None:
        self.network, self.objective, self.batch, self.precision = network, objective, batch, precision
        with torch.no_grad():
            sent = engine.sent(network, batch)
        self.values = {name: sent[name].detach() for name in network.hidden}
        self.runs = torch.ones_like(batch.x[..., :1])
        if batch.lengths is not None:  # after the end of a sample, nothing is predicted
            self.runs = (torch.arange(len(batch.x), device=batch.x.device)[:, None] < batch.lengths)[..., None].to(
                batch.x
            )

    def heard(self, name: str, values: Mapping[str, Tensor]) -> Tensor:
        """What arrives at a layer from others, [T, B, L]."""
        wires = self.network.wires_into(name)
        return torch.cat([self.batch.x if wire.source == INPUT else values[wire.source] for wire in wires], 2)

    def before(self, name: str, values: Mapping[str, Tensor]) -> Tensor:
        """The layer's own values in the step before, [T, B, H]; 0 in the first."""
        own = values[name]
        return torch.cat([torch.zeros_like(own[:1]), own[:-1]])

    def sums(self, name: str, values: Mapping[str, Tensor]) -> Tensor:
        layer: Any = self.network[name]
        fields = layer.initial_state(1)
        state = type(fields)(*[self.before(name, values)] * len(fields))
        return layer.sums(state, self.heard(name, values))

    def loss(self, outputs: Tensor) -> Tensor:
        """The mean loss of the samples, from what the readout adds up in every step, [T, B, O]."""
        readout = self.network[self.network.output]
        return self.objective.loss(self.objective.answers(readout.filter(outputs) * self.runs, self.batch), self.batch)

    def outputs(self, values: Mapping[str, Tensor]) -> Tensor:
        """What the readout adds up in every step, before its filter."""
        readout = self.network[self.network.output]
        return torch.nn.functional.linear(self.heard(self.network.output, values), readout.weight, readout.bias)

    def infer(self, steps: int, rate: float) -> None:
        """Move all values down the slope of F, `steps` times."""
        for _ in range(steps):
            values = {name: value.requires_grad_() for name, value in self.values.items()}
            errors = {name: self.runs * (values[name] - self.network[name].activation(self.sums(name, values)))
                      for name in values}  # fmt: skip
            energy = sum(error.square().sum() for error in errors.values()) / 2
            energy = energy + self.precision * self.batch.size * self.loss(self.outputs(values))
            slopes = torch.autograd.grad(energy, list(values.values()))
            with torch.no_grad():
                self.values = {
                    name: value.detach() - rate * slope
                    for (name, value), slope in zip(values.items(), slopes, strict=True)
                }

    def errors(self, name: str) -> Tensor:
        """Of each unit in each step, [T, B, H]: (v - p) f'(sum), the error times the slope of the unit's own function."""
        layer: Any = self.network[name]
        with torch.enable_grad():
            sums = self.sums(name, self.values).detach().requires_grad_()
            predicted = layer.activation(sums)
            error = self.runs * (self.values[name] - predicted.detach())
            (found,) = torch.autograd.grad(predicted, sums, error)
        return found

    def output_errors(self) -> tuple[Tensor, Tensor]:
        """The mean loss, and minus the derivative of each sample's loss with respect to the readout's sums, [T, B, O], at the
        values that the network itself had (call it before `infer`)."""
        with torch.enable_grad():
            outputs = self.outputs(self.values).detach().requires_grad_()
            loss = self.loss(outputs)
            (slope,) = torch.autograd.grad(loss, outputs)
        return loss.detach(), -slope * self.batch.size
