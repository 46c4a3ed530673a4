"""Continuous Hopfield units: symmetric connections, so that with constant input they descend an energy (Hopfield 1984)."""

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain, Share
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal
from neurorec.models.cells.activation import ACTIVATIONS


class ContinuousHopfieldCard(CellCard):
    activation: Literal["tanh", "sigmoid"]  #: f must have an inverse, which is part of the energy
    step_size: Share  #: fraction of the way to f(input) that units move in one step
    input_gain: Gain
    recurrent_gain: Gain  #: approximate spectral radius of the initial recurrent weights


class ContinuousHopfieldState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step


@cells.register("continuous_hopfield")
class ContinuousHopfield(Cell):
    """H units, all-to-all recurrent. A constant input lets them settle into a minimum of the energy, in which
    h = f(W h + W_in x + b); how many steps that takes depends on the step size. Both directions between two units have the same
    weight: all H^2 numbers are stored, and the mean of the two directions is used; no unit is connected to itself.
    """

    Card = ContinuousHopfieldCard
    title = "continuous Hopfield"
    output_signal = "values"
    equations = (
        "h_t = h_{t-1} + a (f(W h_{t-1} + W_in x_t + b) - h_{t-1}),   W = W^T,   w_jj = 0,   f = tanh or sigma;\n"
        "for small a, it descends E = sum_j G(h_j) - h^T W h / 2 - h^T (W_in x + b),   G' the inverse of f"
    )
    sources = ("hopfield1984", "scellier2017")
    example: ClassVar = {"activation": "tanh", "step_size": 0.5, "input_gain": 1.0, "recurrent_gain": 0.5}
    start_fields = ("h",)
    card: ContinuousHopfieldCard

    def __init__(self, card: ContinuousHopfieldCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size))
        self.bias = nn.Parameter(torch.zeros(card.size))
        self.activation = ACTIVATIONS[card.activation]
        self.output_bounds = self.activation.bounds

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Normal weights; the eigenvalues of a symmetric matrix with entries of variance v lie within 2 sqrt(H v)."""
        draw_normal(self.w_in, self.card.input_gain, generator)
        draw_normal(self.w_rec, self.card.recurrent_gain / 2, generator)
        with torch.no_grad():
            upper = self.w_rec.triu(1)
            self.w_rec.copy_(upper + upper.T)
            self.bias.zero_()

    def symmetric(self) -> Tensor:
        """W [H, H]: the mean of both directions, without self-connections."""
        return ((self.w_rec + self.w_rec.T) / 2).fill_diagonal_(0)

    def initial_state(self, batch: int) -> ContinuousHopfieldState:
        return ContinuousHopfieldState(self._zeros(batch))

    def step(self, state: ContinuousHopfieldState, x: Tensor) -> tuple[Tensor, ContinuousHopfieldState]:
        h = self.settled_step(state.h, nn.functional.linear(x, self.w_in, self.bias), self.symmetric())
        return h, ContinuousHopfieldState(h)

    def settled_step(self, h: Tensor, drive: Tensor, weight: Tensor) -> Tensor:
        """One step with drive [B, H] from outside and symmetric weights [H, H]."""
        return h + self.card.step_size * (self.activation(torch.addmm(drive, h, weight)) - h)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else H - 1),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=4 * H,  # bias; difference, step size, sum
            nonlinearities=H,
            state_values=H,
            tape_values=H,
        )
