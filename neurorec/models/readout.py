"""From hidden activity to answers: a plain linear readout, or leaky integrators that need no clocked sum."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card
from neurorec.basics.registry import Registry
from neurorec.models.cell import StepOperations, draw_normal

readouts: Registry[type["Linear"]] = Registry("readout")


class LinearCard(Card):
    name: str


class LeakyCard(LinearCard):
    tau_ms: PositiveFloat
    dt_ms: PositiveFloat


@readouts.register("linear")
class Linear(nn.Module):
    """y_t = W h_t + b, with h [T, B, H] and y [T, B, O]."""

    Card: type[LinearCard] = LinearCard
    equations = "y_t = W h_t + b"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, card: LinearCard, input_size: int, size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, size
        self.weight = nn.Parameter(torch.zeros(size, input_size))
        self.bias = nn.Parameter(torch.zeros(size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)

    def filter(self, h: Tensor) -> Tensor:
        """What the readout's own dynamics do to lines [T, B, K] before the weights (which commute with it)."""
        return h

    def forward(self, h: Tensor) -> Tensor:
        return self.filter(nn.functional.linear(h, self.weight, self.bias))

    def step_weights(self, mask: Tensor) -> Tensor:
        """How much each step of the lines counts in the mean of the outputs over the steps where the mask holds; both [T],
        or [T, B]. The filter does not change with time, so its transpose is itself with time running backward."""
        share = mask.to(self.weight.dtype) / mask.sum(0)
        return self.filter(share.flip(0).reshape(len(mask), -1, 1)).reshape(mask.shape).flip(0)

    def answer(self, summed: Tensor, weights: Tensor) -> Tensor:
        """The mean output [B, O], from the lines' sum over time [B, H] with these step weights."""
        if weights.dim() == 1:
            return nn.functional.linear(summed, self.weight, self.bias * weights.sum())
        return nn.functional.linear(summed, self.weight) + self.bias * weights.sum(0)[:, None]

    def operations(self) -> StepOperations:
        return StepOperations(
            input_fan_out=np.full(self.input_size, self.size, dtype=np.int64),
            recurrent_fan_out=np.zeros(self.size, dtype=np.int64),
            recurrent_signal="values",
            neuron_updates=0,
            elementwise=self.size,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
        )


@readouts.register("leaky")
class Leaky(Linear):
    """Leaky integrators, from y = 0: NIR's LI under forward Euler with r = 1."""

    Card: type[LinearCard] = LeakyCard
    needs = capabilities("membranes")
    equations = "y_t = y_{t-1} + dt/tau (-y_{t-1} + W z_t + b)"
    card: LeakyCard

    def filter(self, h: Tensor) -> Tensor:
        """The recursion written as one product with its kernel a (1-a)^(t-s), a = dt/tau."""
        rate = self.card.dt_ms * (1.0 / self.card.tau_ms)
        t = torch.arange(h.shape[0], device=h.device)
        lag = (t[:, None] - t[None, :]).clamp_min(0).to(h.dtype)
        kernel = torch.tril(rate * (1 - rate) ** lag)
        return torch.einsum("ts,sbk->tbk", kernel, h)

    def operations(self) -> StepOperations:
        plain = super().operations()
        return StepOperations(
            input_fan_out=plain.input_fan_out,
            recurrent_fan_out=plain.recurrent_fan_out,
            recurrent_signal="values",
            neuron_updates=self.size,
            elementwise=3 * self.size,
            nonlinearities=0,
            state_values=self.size,
            tape_values=0,
        )
