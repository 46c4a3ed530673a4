"""A residual layer: feed-forward units added to what the layer hears (He et al. 2016)."""

from dataclasses import replace
from typing import ClassVar

from torch import Tensor, nn

from neurorec.models.cell import StepOperations, cells
from neurorec.models.cells.activation import ACTIVATION_EQUATION
from neurorec.models.cells.dense import Dense, DenseCard, DenseState


@cells.register("residual")
class Residual(Dense):
    """H units, each added to one input, so that errors pass the layer unchanged beside the weights. Units without an input of
    their own have 0 added (zero padding); inputs beyond the last unit are heard only through the weights."""

    title = "residual"
    equations = f"h_t = x_t + f(W_in x_t + b),   {ACTIVATION_EQUATION}"
    sources = ("he2016",)
    example: ClassVar = {"activation": "relu", "input_gain": 1.0}

    def __init__(self, card: DenseCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.output_bounds = None  # those of f do not bound the sum

    def step(self, state: DenseState, x: Tensor) -> tuple[Tensor, DenseState]:
        added, state = super().step(state, x)
        return nn.functional.pad(x, (0, self.size - self.input_size)) + added, state

    def operations(self) -> StepOperations:
        plain = super().operations()
        return replace(plain, elementwise=plain.elementwise + min(self.input_size, self.size))
