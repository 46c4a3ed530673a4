"""A feed-forward layer: stateless units, for networks whose memory is in their wires (Jordan 1986)."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal
from neurorec.models.cells.activation import ACTIVATION_EQUATION, ACTIVATIONS, ActivationName


class DenseCard(CellCard):
    activation: ActivationName
    input_gain: Gain


class DenseState(NamedTuple):
    """No state."""


@cells.register("dense")
class Dense(Cell):
    """H units that depend only on the input of the current step."""

    Card = DenseCard
    title = "feed-forward"
    output_signal = "values"
    equations = f"h_t = f(W_in x_t + b),   {ACTIVATION_EQUATION}"
    sources = ("wichert_rnn",)
    example: ClassVar = {"activation": "tanh", "input_gain": 1.0}
    card: DenseCard

    def __init__(self, card: DenseCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.bias = nn.Parameter(torch.zeros(card.size))
        self.activation = ACTIVATIONS[card.activation]
        self.output_bounds = self.activation.bounds

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)
        nn.init.zeros_(self.bias)

    def initial_state(self, batch: int) -> DenseState:
        return DenseState()

    def sums(self, state: DenseState, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.w_in, self.bias)

    def step(self, state: DenseState, x: Tensor) -> tuple[Tensor, DenseState]:
        return self.activation(self.sums(state, x)), state

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=(1 + self.activation.comparisons) * H,  # bias
            nonlinearities=self.activation.nonlinearities * H,
            state_values=0,
            tape_values=H,
        )
