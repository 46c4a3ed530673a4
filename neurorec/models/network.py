"""A network: input lines -> one recurrent layer -> readout. A plain torch module, time first."""

from typing import Any

import torch
from torch import Tensor, nn

from neurorec.models.cell import Cell, Signal, cells, check_lengths
from neurorec.models.readout import Linear, readouts


class Network(nn.Module):
    """x [T, B, I] to y [T, B, O].

    `input_signal` says what the input lines carry ("spikes" or "values"); it is declared by the encoder, and decides
    whether the input synapses cost accumulates or multiply-accumulates.
    """

    def __init__(self, cell: Cell, readout: Linear, input_signal: Signal) -> None:
        super().__init__()
        self.cell, self.readout, self.input_signal = cell, readout, input_signal

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            check_lengths(lengths, x)
        hidden, _ = self.cell(x, lengths=lengths)
        return self.read(hidden, lengths)

    def read(self, hidden: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The readout's answers [T, B, O] to hidden [T, B, H]; 0 behind the end of a sample."""
        y = self.readout(hidden)
        if lengths is None:
            return y
        return torch.where(torch.arange(y.shape[0], device=y.device)[:, None, None] < lengths[:, None], y, 0)

    @property
    def parameter_count(self) -> int:
        """Trained numbers (a frozen recurrent matrix is not counted)."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)


def build_network(
    cell_card: Any, readout_card: Any, input_size: int, outputs: int, input_signal: Signal, generator: torch.Generator
) -> Network:
    """A network with freshly drawn weights. The cards are those of the named cell and readout."""
    cell = cells[cell_card.name](cell_card, input_size)
    readout = readouts[readout_card.name](readout_card, cell.size, outputs)
    cell.reset_parameters(generator)
    readout.reset_parameters(generator)
    return Network(cell, readout, input_signal)
