"""Echo state network: leaky tanh units with fixed sparse random recurrence (Jaeger 2001)."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain, PositiveGain, Share
from neurorec.models.cell import Cell, CellCard, StepOperations, cells

MOST_DENSE = 1000  #: units up to which all eigenvalues are computed
SPARSE = 0.25  #: share of weights above which iteration is no faster


class EchoStateCard(CellCard):
    spectral_radius: Gain
    leak: Share
    density: Share  #: share of recurrent connections that exist
    input_scale: PositiveGain  #: input weights are uniform in [-input_scale, input_scale]
    bias_scale: Gain


class EchoState(NamedTuple):
    h: Tensor  #: [B, H]


@cells.register("echo_state")
class EchoStateCell(Cell):
    """H leaky tanh units; nothing in the layer is trained."""

    Card = EchoStateCard
    title = "echo state"
    output_signal = "values"
    equations = (
        "h_t = (1 - leak) h_{t-1} + leak tanh(W_in x_t + W_rec h_{t-1} + b);   spectral radius of W_rec as stated"
    )
    sources = ("jaeger2001",)
    card: EchoStateCard

    def __init__(self, card: EchoStateCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size), requires_grad=False)
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(card.size), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        H, card = self.size, self.card
        with torch.no_grad():
            self.w_in.copy_(card.input_scale * (2 * torch.rand(self.w_in.shape, generator=generator) - 1))
            self.bias.copy_(card.bias_scale * (2 * torch.rand(H, generator=generator) - 1))
            weights = torch.randn(H, H, generator=generator)
            weights *= torch.rand(H, H, generator=generator) < card.density
            self.w_rec.copy_(weights * (card.spectral_radius / spectral_radius(weights).clamp_min(1e-12)))

    def initial_state(self, batch: int) -> EchoState:
        return EchoState(self._zeros(batch))

    def step(self, state: EchoState, x: Tensor) -> tuple[Tensor, EchoState]:
        drive = nn.functional.linear(x, self.w_in, self.bias) + nn.functional.linear(state.h, self.w_rec)
        h = (1 - self.card.leak) * state.h + self.card.leak * torch.tanh(drive)
        return h, EchoState(h)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=synapses_per_line(self.w_rec),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=4 * H,  # bias, two products, one sum
            nonlinearities=H,
            state_values=H,
            tape_values=H,
        )


def spectral_radius(weights: Tensor) -> Tensor:
    """The largest modulus of the eigenvalues of [H, H]; of large sparse matrices by Arnoldi iteration, which is faster."""
    if len(weights) > MOST_DENSE and weights.count_nonzero() < SPARSE * weights.numel():
        from scipy.sparse import csr_array
        from scipy.sparse.linalg import ArpackError, eigs

        matrix = csr_array(weights.double().numpy())
        with suppress(ArpackError):  # no convergence, or a matrix of zeros
            found = eigs(matrix, k=6, ncv=60, v0=np.ones(len(weights)), return_eigenvectors=False)
            return torch.tensor(np.abs(np.asarray(found)).max(), dtype=weights.dtype)
    return torch.linalg.eigvals(weights).abs().max()


def synapses_per_line(weight: Tensor):
    """Number of synapses of each presynaptic unit (column) of a sparse random weight matrix [H, H]."""
    return (weight.detach() != 0).sum(0).cpu().numpy().astype("int64")
