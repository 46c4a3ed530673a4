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
        output = self.network.output
        for _ in range(steps):
            found = {name: self.errors(name) for name in self.values}
            slopes = {name: error for name, (error, _) in found.items()}
            asked = {name: through for name, (_, through) in found.items()}
            asked[output] = self.precision * self.output_errors()[1]
            for name, error in asked.items():
                for wire in self.network.wires_into(name):
                    if wire.source in slopes:
                        weight = self.network[name].input_weights()
                        weight = self.network[name].weight if weight is None else weight
                        slopes[wire.source] = slopes[wire.source] - error @ weight[:, self.network.lines_of(wire)]
                for weight in self.network[name].recurrent_weights():
                    slopes[name] = slopes[name] - torch.cat([error[1:] @ weight, torch.zeros_like(error[:1])])
            self.values = {name: value - rate * slopes[name] for name, value in self.values.items()}

    def errors(self, name: str) -> tuple[Tensor, Tensor]:
        """Of each unit in each step: v - p, and the same times the slope of the unit's own function; both [T, B, H]."""
        layer: Any = self.network[name]
        with torch.enable_grad():
            sums = self.sums(name, self.values).detach().requires_grad_()
            predicted = layer.activation(sums)
            error = self.runs * (self.values[name] - predicted.detach())
            (through,) = torch.autograd.grad(predicted, sums, error)
        return error, through

    def output_errors(self) -> tuple[Tensor, Tensor]:
        """The mean loss, and minus the derivative of each sample's loss with respect to the readout's sums, [T, B, O], at the
        present values."""
        with torch.enable_grad():
            outputs = self.outputs(self.values).detach().requires_grad_()
            loss = self.loss(outputs)
            (slope,) = torch.autograd.grad(loss, outputs)
        return loss.detach(), -slope * self.batch.size
