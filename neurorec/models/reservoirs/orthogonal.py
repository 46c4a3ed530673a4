"""Orthogonal reservoir: all recurrent modes decay equally fast (White, Lee and Sompolinsky 2004)."""

from typing import ClassVar

import torch
from torch import Tensor

from neurorec.basics.numbers import Gain
from neurorec.models.cell import cells
from neurorec.models.reservoirs.echo_state import STEP, EchoStateCell, ReservoirCard


class OrthogonalCard(ReservoirCard):
    spectral_radius: Gain


@cells.register("orthogonal_reservoir")
class OrthogonalReservoir(EchoStateCell):
    """Recurrent weights are a random orthogonal matrix times the spectral radius."""

    Card = OrthogonalCard
    title = "orthogonal reservoir"
    equations = f"{STEP};\nW_rec' W_rec = spectral_radius^2"
    sources = ("white2004",)
    example: ClassVar = {"spectral_radius": 0.9}
    card: OrthogonalCard

    def draw_recurrence(self, generator: torch.Generator) -> Tensor:
        orthogonal, triangle = torch.linalg.qr(torch.randn(self.size, self.size, generator=generator))
        return self.card.spectral_radius * orthogonal * triangle.diagonal().sign()
