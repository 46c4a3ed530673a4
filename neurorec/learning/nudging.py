"""Nudged phases of equilibrium propagation: the dynamics, and what a step of them costs."""

from typing import Any

import torch
from torch import Tensor

from neurorec.basics.counts import Counts
from neurorec.learning.interventions.quantised_messages import three_values
from neurorec.learning.rule import hidden_layer
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class Nudging:
    """The dynamics of a network whose outputs are nudged down (or up) the gradient of the loss, for one batch.

    rounding : if given, draws errors of only three values, as `interventions/quantised_messages.py` does
    draws : if given, each sample's phase ends after a random number of steps, at least half of the requested one
    """

    def __init__(
        self, model: Network, objective: Objective, batch: Batch, rounding: torch.Generator | None = None,
        draws: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        self.rounding, self.draws = rounding, draws
        self.cell: Any = hidden_layer(model)
        self.readout, self.objective, self.batch = model[model.output], objective, batch
        self.drive = torch.nn.functional.linear(batch.x[-1], self.cell.w_in, self.cell.bias)
        self.symmetric = self.cell.symmetric()

    def error(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss, and for each sample the derivative of its own loss with respect to its outputs, [B, O]."""
        with torch.enable_grad():
            y = torch.nn.functional.linear(h, self.readout.weight, self.readout.bias).detach().requires_grad_()
            loss = self.objective.loss(y, self.batch)
            (error,) = torch.autograd.grad(loss, y)
        if self.rounding is not None:
            error = three_values(error, self.rounding)
        return loss.detach(), error * self.batch.size

    def settle(self, h: Tensor, beta: float, steps: int) -> Tensor:
        """The equilibrium [B, H] under nudging of strength beta, from h."""
        ends = None
        if self.draws is not None:
            ends = torch.randint((steps + 1) // 2, steps + 1, (len(h), 1), generator=self.draws).to(h.device)
        for step in range(steps):
            push = self.error(h)[1] @ self.readout.weight
            after = self.cell.settled_step(h, self.drive - beta * push, self.symmetric)
            h = after if ends is None else torch.where(step < ends, after, h)
        return h


def hidden_nudged(model: Network, steps: int) -> Counts:
    """A step of the units: their recurrence, and the errors that arrive through the readout's weights, or at output units."""
    ((_, cell),) = model.hidden.items()
    readout, declared = model[model.output], cell.operations()
    recurrent, outputs = int(declared.recurrent_fan_out.sum()), readout.size
    through = recurrent + readout.trained * outputs * cell.size
    pushed = cell.size if readout.trained else outputs
    return Counts(
        macs=steps * through, dense_macs=steps * through, neuron_updates=steps * cell.size,
        values_sent=steps * cell.size, elementwise=steps * (3 * cell.size + pushed),  # difference, step size, sum; push
        nonlinearities=steps * cell.size, weight_reads=steps * through,
        state_reads=steps * 2 * cell.size, state_writes=steps * cell.size,
        activation_reads=steps * (bool(recurrent) * cell.size + outputs), activation_writes=steps * cell.size,
    )  # fmt: skip


def readout_nudged(model: Network, steps: int) -> Counts:
    """Outputs of the linear readout, and their errors times beta, which are sent back."""
    readout = model[model.output]
    synapses = readout.trained * readout.size * readout.input_size
    return Counts(
        macs=steps * synapses, dense_macs=steps * synapses, values_sent=steps * readout.size,
        elementwise=steps * readout.size * (1 + readout.trained), weight_reads=steps * synapses,
        activation_reads=steps * readout.trained * readout.input_size, activation_writes=steps * readout.size,
    )  # fmt: skip
