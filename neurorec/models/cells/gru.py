"""Gated recurrent units (Cho et al. 2014)."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain, Potential
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal


class GRUCard(CellCard):
    input_gain: Gain
    recurrent_gain: Gain
    update_bias: Potential  #: initial bias of the update gate; positive values favour keeping the state


class GRUState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step


@cells.register("gru")
class GRU(Cell):
    """H units with a reset and an update gate. Rows of the weights: reset, update, candidate.

    The reset gate multiplies the recurrent sum of the candidate including its bias (after the matrix product), as in torch's
    GRUCell; Cho et al. apply it to h_{t-1} (before). Applied after, all recurrent sums are one product.
    """

    Card = GRUCard
    title = "GRU"
    output_signal = "values"
    equations = (
        "r, z = sigma(W x_t + R h_{t-1} + b);   n = tanh(W_n x_t + b_n + r (R_n h_{t-1} + c));\n"
        "h_t = (1 - z) n + z h_{t-1}"
    )
    sources = ("cho2014",)
    example: ClassVar = {"input_gain": 1.0, "recurrent_gain": 1.0, "update_bias": 0.0}
    start_fields = ("h",)
    card: GRUCard

    def __init__(self, card: GRUCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(3 * card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(3 * card.size, card.size))
        self.bias = nn.Parameter(torch.zeros(3 * card.size))
        self.candidate_bias = nn.Parameter(torch.zeros(card.size))  #: c, which the reset gate scales

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)
        draw_normal(self.w_rec, self.card.recurrent_gain, generator)
        with torch.no_grad():
            self.bias.zero_()
            self.bias[self.size : 2 * self.size] = self.card.update_bias
            self.candidate_bias.zero_()

    def initial_state(self, batch: int) -> GRUState:
        return GRUState(self._zeros(batch))

    def step(self, state: GRUState, x: Tensor) -> tuple[Tensor, GRUState]:
        of_x = nn.functional.linear(x, self.w_in, self.bias).chunk(3, dim=1)
        of_h = nn.functional.linear(state.h, self.w_rec).chunk(3, dim=1)
        r, z = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
        n = (of_x[2] + r * (of_h[2] + self.candidate_bias)).tanh()
        h = (1 - z) * n + z * state.h
        return h, GRUState(h)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 3 * H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else 3 * H),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=10
            * H,  # four biases; candidate: one product, one sum; h: two products, one difference, one sum
            nonlinearities=3 * H,
            state_values=H,
            tape_values=5 * H,  # r, z, n, h and the sum that r scales
        )
