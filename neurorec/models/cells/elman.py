"""The simple recurrent network of Elman (1990): tanh units that receive their own last output."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal


class ElmanCard(CellCard):
    input_gain: Gain
    recurrent_gain: Gain


class ElmanState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step


@cells.register("elman")
class Elman(Cell):
    """H tanh units, all-to-all recurrent."""

    Card = ElmanCard
    title = "Elman"
    output_signal = "values"
    equations = "h_t = tanh(W_in x_t + W_rec h_{t-1} + b)"
    sources = ("elman1990",)
    card: ElmanCard

    def __init__(self, card: ElmanCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size))
        self.bias = nn.Parameter(torch.zeros(card.size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Normal input weights; orthogonal recurrent weights, scaled by recurrent_gain; zero bias."""
        draw_normal(self.w_in, self.card.input_gain, generator)
        with torch.no_grad():
            orthogonal, triangle = torch.linalg.qr(torch.randn(self.size, self.size, generator=generator))
            self.w_rec.copy_(self.card.recurrent_gain * orthogonal * triangle.diagonal().sign())
            self.bias.zero_()

    def initial_state(self, batch: int) -> ElmanState:
        return ElmanState(self._zeros(batch))

    def step(self, state: ElmanState, x: Tensor) -> tuple[Tensor, ElmanState]:
        h = torch.tanh(nn.functional.linear(x, self.w_in, self.bias) + nn.functional.linear(state.h, self.w_rec))
        return h, ElmanState(h)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else H),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=H,  # bias
            nonlinearities=H,
            state_values=H,
            tape_values=H,
        )
