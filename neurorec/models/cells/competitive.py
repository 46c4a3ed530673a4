"""Winner-take-all units (the rate half of competitive learning): the winner outputs 1, the others 0."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Potential
from neurorec.models.cell import Cell, CellCard, StepOperations, cells


class CompetitiveCard(CellCard):
    start_low: Potential  #: initial weights are uniform between start_low and start_high, in units of the input
    start_high: Potential


class CompetitiveState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step; reported, never fed back


@cells.register("competitive")
class Competitive(Cell):
    """H units, each with a prototype (its row of W_in); the unit whose prototype is nearest to the input wins.

    No derivative passes through the winner, so `bptt` refuses this cell; the rule `competitive` trains it.
    """

    Card = CompetitiveCard
    title = "competitive units"
    output_signal = "values"
    needs = capabilities("winner-take-all")
    differentiable: ClassVar[bool] = False
    equations = "a_t = W_in x_t - |W_in|^2 / 2 (row by row);   h_t = 1 for the unit with the largest a_t, else 0"
    sources = ("rumelhart1985",)
    card: CompetitiveCard

    def __init__(self, card: CompetitiveCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        low, high = self.card.start_low, self.card.start_high
        with torch.no_grad():
            self.w_in.copy_(low + (high - low) * torch.rand(self.w_in.shape, generator=generator))

    def initial_state(self, batch: int) -> CompetitiveState:
        return CompetitiveState(self._zeros(batch))

    def match(self, x: Tensor) -> Tensor:
        """How well inputs x [B, I] match each prototype, [B, H]: |x|^2/2 minus half the squared distance."""
        return nn.functional.linear(x, self.w_in) - self.w_in.square().sum(1) / 2

    def step(self, state: CompetitiveState, x: Tensor) -> tuple[Tensor, CompetitiveState]:
        h = nn.functional.one_hot(self.match(x).argmax(1), self.size).to(x.dtype)
        return h, CompetitiveState(h)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return []

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=2 * H - 1,  # H stored half norms are subtracted, H - 1 comparisons find the winner
            nonlinearities=0,
            state_values=0,  # no state is carried from step to step
            tape_values=0,
        )
