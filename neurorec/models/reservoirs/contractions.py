"""Affine contractions: each symbol moves the state towards its corner of a hypercube (Tino & Dorffner 2001; "Fixed simple
input-driven dynamics" in Tino's lecture "Recurrent neural networks")."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.errors import InputError
from neurorec.basics.numbers import OpenShare
from neurorec.models.cell import Cell, CellCard, StepOperations, cells
from neurorec.models.reservoirs.echo_state import synapses_per_line


class ContractionsCard(CellCard):
    ratio: OpenShare  #: of contraction: the share of the state that remains after a step


class ContractionsState(NamedTuple):
    h: Tensor  #: [B, H]


@cells.register("contractions")
class Contractions(Cell):
    """The state of a chaos game in H dimensions, played by the input; nothing in the layer is trained.

    States after sequences with the same last L symbols differ by at most ratio^L in each coordinate. With the ratio 1/2, those
    after different last L symbols lie in different cubes of side 2^-L.
    """

    Card = ContractionsCard
    title = "affine contractions"
    output_signal = "values"
    equations = (
        "h_t = ratio h_{t-1} + (1 - ratio) u_t, from h = 1/2;   u_t: the binary digits of the symbol's number, a corner"
    )
    sources = ("tino2001", "tino_rnn")
    example = {"ratio": 0.5}  # noqa: RUF012
    card: ContractionsCard

    def __init__(self, card: ContractionsCard, input_size: int) -> None:
        super().__init__(card, input_size)
        if input_size > 2 ** min(card.size, 62):
            raise InputError(
                f"{self.title}: {input_size} symbols need a corner each, but {card.size} units have {2**card.size}; "
                f"use size = {(input_size - 1).bit_length()}"
            )
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Nothing is random. Units that no symbol needs have no weights, and go to 0."""
        digits = torch.arange(self.size).clamp_max(62)
        with torch.no_grad():
            self.w_in.copy_((1 - self.card.ratio) * (torch.arange(self.input_size) >> digits[:, None] & 1))

    def initial_state(self, batch: int) -> ContractionsState:
        return ContractionsState(self._zeros(batch) + 0.5)

    def step(self, state: ContractionsState, x: Tensor) -> tuple[Tensor, ContractionsState]:
        h = self.card.ratio * state.h + nn.functional.linear(x, self.w_in)
        return h, ContractionsState(h)

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=synapses_per_line(self.w_in),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=2 * H,  # one product, one sum
            nonlinearities=0,
            state_values=H,
            tape_values=H,
        )
