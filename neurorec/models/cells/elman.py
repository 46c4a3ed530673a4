"""The simple recurrent network of Elman (1990): units that receive their own last output."""

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, Eligibility, StepOperations, TraceOperations, cells, draw_normal
from neurorec.models.cells.activation import ACTIVATION_EQUATION, ACTIVATIONS, ActivationName

IRNN, LINEAR = "le2015", "henaff2016"


class ElmanCard(CellCard):
    activation: ActivationName = "tanh"
    recurrent_start: Literal["orthogonal", "identity"] = "orthogonal"
    """Initial recurrent weights: a random orthogonal matrix, or the identity (IRNN), times recurrent_gain."""
    input_gain: Gain
    recurrent_gain: Gain


class ElmanState(NamedTuple):
    h: Tensor  #: [B, H] output of the last step


@cells.register("elman")
class Elman(Cell):
    """H units, all-to-all recurrent. With relu and the identity as initial recurrent weights, the IRNN of Le et al. (2015);
    with linear units and the orthogonal start, the linear network of Henaff et al. (2016)."""

    Card = ElmanCard
    title = "Elman"
    output_signal = "values"
    equations = f"h_t = f(W_in x_t + W_rec h_{{t-1}} + b),   {ACTIVATION_EQUATION}"
    sources: ClassVar = ("elman1990", IRNN, LINEAR)
    start_fields = ("h",)
    card: ElmanCard

    def __init__(self, card: ElmanCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size))
        self.bias = nn.Parameter(torch.zeros(card.size))
        self.activation = ACTIVATIONS[card.activation]
        self.output_bounds = self.activation.bounds

    @classmethod
    def sources_of(cls, card: ElmanCard) -> tuple[str, ...]:
        unused = {IRNN} if card.recurrent_start != "identity" else set()
        unused |= {LINEAR} if card.activation != "linear" else set()
        return tuple(key for key in cls.sources if key not in unused)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Normal input weights; recurrent weights as the card says, scaled by recurrent_gain; zero bias."""
        draw_normal(self.w_in, self.card.input_gain, generator)
        with torch.no_grad():
            if self.card.recurrent_start == "identity":
                self.w_rec.copy_(self.card.recurrent_gain * torch.eye(self.size))
            else:
                orthogonal, triangle = torch.linalg.qr(torch.randn(self.size, self.size, generator=generator))
                self.w_rec.copy_(self.card.recurrent_gain * orthogonal * triangle.diagonal().sign())
            self.bias.zero_()

    def initial_state(self, batch: int) -> ElmanState:
        return ElmanState(self._zeros(batch))

    def sums(self, state: ElmanState, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.w_in, self.bias) + nn.functional.linear(state.h, self.w_rec)

    def step(self, state: ElmanState, x: Tensor) -> tuple[Tensor, ElmanState]:
        h = self.activation(self.sums(state, x))
        return h, ElmanState(h)

    def start_traces(self, batch: int) -> tuple[()]:
        return ()

    def traced_step(
        self, state: ElmanState, traces: tuple[()], x: Tensor
    ) -> tuple[Tensor, ElmanState, Eligibility, tuple[()]]:
        """One step with eligibilities, as in `lif`. A unit keeps nothing but its output, which it hears through a synapse, so
        eligibilities reach back one step only, and no trace is needed: e = f'(sum) times what arrived."""
        h, after = self.step(state, x)
        recurrent = [state.h] if self.w_rec.requires_grad else []
        lines = torch.cat([x, *recurrent, x.new_ones(len(x), 1)], 1)
        return h, after, Eligibility(self.activation.derivative(h)[:, :, None], lines[:, None]), ()

    def traced_weights(self) -> list[nn.Parameter]:
        return [*super().traced_weights(), self.bias]

    def trace_operations(self) -> TraceOperations:
        return TraceOperations(per_line=0, per_synapse=1)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else H),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=(1 + self.activation.comparisons) * H,  # bias
            nonlinearities=self.activation.nonlinearities * H,
            state_values=H,
            tape_values=H,
        )
