"""Sampling models of layers: visible units at the bottom, hidden layers above, weights between neighbouring layers only."""

from itertools import pairwise
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from neurorec.basics.numbers import Ordered, Units
from neurorec.models.energy.sampling import SamplingCard, SamplingModel


class LayeredCard(SamplingCard):
    hidden: Annotated[Ordered[Units], Field(min_length=2, max_length=8)]  #: per layer, from the bottom


class LayeredModel(SamplingModel):
    """Units x_0 (visible), x_1, x_2, ... of 0 or 1, weights W_l between x_l and x_l+1, and biases b_l."""

    card: LayeredCard

    def __init__(self, card: LayeredCard, visible: int) -> None:
        super().__init__(card, visible + sum(card.hidden), visible)
        self.sizes = [visible, *card.hidden]
        ends = np.cumsum([0, *self.sizes]).tolist()
        self.layers = [slice(start, end) for start, end in pairwise(ends)]
        shapes = pairwise(self.sizes)
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(shape), requires_grad=False) for shape in shapes])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(size), requires_grad=False) for size in self.sizes])

    def reset_parameters(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            for weight in self.weights:
                weight.copy_(self.card.initial_spread * torch.randn(weight.shape, generator=generator))
            for bias in self.biases:
                bias.zero_()

    def split(self, states: Tensor) -> list[Tensor]:
        """States [B, N] by layer."""
        return [states[:, layer] for layer in self.layers]

    def levels(self) -> tuple[float, ...]:
        return 0.0, 1.0
