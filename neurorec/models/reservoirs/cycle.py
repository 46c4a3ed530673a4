"""Simple cycle reservoir: units in a ring (Rodan and Tino 2011)."""

from typing import ClassVar

import torch
from torch import Tensor

from neurorec.basics.numbers import Gain
from neurorec.models.cell import cells
from neurorec.models.reservoirs.echo_state import STEP, EchoStateCell, ReservoirCard

DRAWS = 100  #: some rings, for example of 2 units, have no such signs
UNHEARD = 1e-3  #: below this, a sum of +-1 is 0 but for rounding


class ChainCard(ReservoirCard):
    weight: Gain  #: of every recurrent connection


@cells.register("cycle_reservoir")
class CycleReservoir(EchoStateCell):
    """Each unit hears the one before it, the first hears the last. Input weights have one magnitude and random signs.

    The spectral radius is the weight. With linear units, no leak and weight r, the memory capacity is N - (1 - r^2N).
    """

    Card = ChainCard
    title = "cycle reservoir"
    equations = f"{STEP};\nW_rec[i, i-1] = W_rec[1, H] = weight, W_in = +-input_scale"
    sources = ("rodan2011",)
    example: ClassVar = {"weight": 0.9}
    card: ChainCard

    def draw_inputs(self, generator: torch.Generator) -> Tensor:
        """Signs are drawn again while some mode of the ring (a Fourier component) hears no input, which would lose memory;
        Rodan and Tino take the digits of pi."""
        signs = torch.zeros(self.w_in.shape)
        for _ in range(DRAWS):
            signs = 2.0 * torch.randint(2, self.w_in.shape, generator=generator) - 1
            if not signs.numel() or torch.fft.fft(signs, dim=0).abs().sum(1).min() > UNHEARD:
                break
        return self.card.input_scale * signs

    def draw_recurrence(self, generator: torch.Generator) -> Tensor:
        return self.card.weight * torch.eye(self.size).roll(1, 0)
