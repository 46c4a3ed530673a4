"""An embedding: one vector per symbol, in front of networks that hear one of many symbols at a time."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal
from neurorec.models.cells.dense import DenseState


class EmbeddingCard(CellCard):
    input_gain: Gain


@cells.register("embedding")
class Embedding(Cell):
    """The vector of a symbol is the column of W_in that its line selects. On events (encoder `events`) this is what it costs:
    one column is read, and nothing is multiplied. On lines that carry values it is a linear layer."""

    Card = EmbeddingCard
    title = "embedding"
    output_signal = "values"
    equations = "h_t = W_in x_t"
    sources = ("wichert_rnn",)
    example: ClassVar = {"input_gain": 1.0}
    card: EmbeddingCard

    def __init__(self, card: EmbeddingCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """A vector of one symbol has components of standard deviation `input_gain`."""
        draw_normal(self.w_in, self.card.input_gain * self.input_size**0.5, generator)

    def initial_state(self, batch: int) -> DenseState:
        return DenseState()

    def step(self, state: DenseState, x: Tensor) -> tuple[Tensor, DenseState]:
        return nn.functional.linear(x, self.w_in), state

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=0,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
        )
