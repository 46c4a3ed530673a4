"""Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000)."""

from typing import Annotated, ClassVar, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Gain, Potential
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal

CHRONO = "tallec2018"


class LSTMCard(CellCard):
    """The initial bias of the forget gates is either the same in all cells (`forget_bias`; positive values favour keeping the
    state), or drawn for memories of up to `longest_lag` steps: the chrono initialisation of Tallec & Ollivier (2018)."""

    input_gain: Gain
    recurrent_gain: Gain
    forget_bias: Potential | None = None
    longest_lag: Annotated[int, Field(ge=3, le=10**6)] | None = None

    @model_validator(mode="after")
    def _has_one_start(self) -> Self:
        if (self.forget_bias is None) == (self.longest_lag is None):
            came = "neither" if self.forget_bias is None else "both"
            raise ValueError(f"give either forget_bias or longest_lag (got {came})")
        return self


class LSTMState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step
    c: Tensor  #: [B, H] cell state


@cells.register("lstm")
class LSTM(Cell):
    """H memory cells with input, forget and output gates. Rows of the weights: input, forget, candidate, output."""

    Card = LSTMCard
    title = "LSTM"
    output_signal = "values"
    needs = capabilities("gates")
    equations = (
        "i, f, o = sigma(W x_t + R h_{t-1} + b);   g = tanh(W_g x_t + R_g h_{t-1} + b_g);\n"
        "c_t = f c_{t-1} + i g;   h_t = o tanh(c_t)"
    )
    sources: ClassVar = ("hochreiter1997", "gers2000", CHRONO)
    start_fields = ("h", "c")
    card: LSTMCard

    def __init__(self, card: LSTMCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(4 * card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(4 * card.size, card.size))
        self.bias = nn.Parameter(torch.zeros(4 * card.size))

    @classmethod
    def sources_of(cls, card: LSTMCard) -> tuple[str, ...]:
        return tuple(key for key in cls.sources if key != CHRONO or card.longest_lag is not None)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Normal weights. Biases are 0, but for the forget gates; with `longest_lag` = T, those are log(u), with u uniform in
        1..T-1, and those of the input gates -log(u)."""
        draw_normal(self.w_in, self.card.input_gain, generator)
        draw_normal(self.w_rec, self.card.recurrent_gain, generator)
        with torch.no_grad():
            self.bias.zero_()
            _, forget, _, _ = gates = self.bias.chunk(4)
            if self.card.forget_bias is not None:
                forget.fill_(self.card.forget_bias)
            elif self.card.longest_lag is not None:
                forget.copy_((1 + (self.card.longest_lag - 2) * torch.rand(self.size, generator=generator)).log())
                gates[0].copy_(-forget)

    def initial_state(self, batch: int) -> LSTMState:
        return LSTMState(self._zeros(batch), self._zeros(batch))

    def step(self, state: LSTMState, x: Tensor) -> tuple[Tensor, LSTMState]:
        sums = nn.functional.linear(x, self.w_in, self.bias) + nn.functional.linear(state.h, self.w_rec)
        i, f, g, o = sums.chunk(4, dim=1)
        c = f.sigmoid() * state.c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, LSTMState(h, c)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 4 * H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else 4 * H),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=8 * H,  # four biases; three products and one sum
            nonlinearities=5 * H,
            state_values=2 * H,
            tape_values=6 * H,  # four gates, c and h
        )
