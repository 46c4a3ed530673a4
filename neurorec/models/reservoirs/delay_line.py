"""Delay line reservoir: a cycle that is cut open (Rodan and Tino 2011)."""

import torch
from torch import Tensor

from neurorec.models.cell import cells
from neurorec.models.reservoirs.cycle import CycleReservoir
from neurorec.models.reservoirs.echo_state import STEP


@cells.register("delay_line_reservoir")
class DelayLineReservoir(CycleReservoir):
    """Each unit hears the one before it, the first hears only the input. With leak = 1, an input is forgotten after H steps;
    the spectral radius is 0."""

    title = "delay line reservoir"
    equations = f"{STEP};\nW_rec[i, i-1] = weight, W_in = +-input_scale"

    def draw_recurrence(self, generator: torch.Generator) -> Tensor:
        return super().draw_recurrence(generator).tril()
