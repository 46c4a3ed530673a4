"""Echo state network: leaky units with fixed sparse random recurrence (Jaeger 2001). Other wirings derive from it."""

import warnings
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import SerializerFunctionWrapHandler, model_serializer
from torch import Tensor, nn

from neurorec.basics.numbers import Gain, PositiveGain, Share
from neurorec.models.cell import Cell, CellCard, StepOperations, cells
from neurorec.models.cells.activation import ACTIVATION_EQUATION, ACTIVATIONS, ActivationName
from neurorec.models.forms import FadingForm

MOST_DENSE = 1000  #: units up to which all eigenvalues are computed
STEP = f"h_t = (1 - leak) h_{{t-1}} + leak f(W_in x_t + W_rec h_{{t-1}} + b),   {ACTIVATION_EQUATION}"
SPARSE = 0.25  #: share of weights above which sparse products are no faster


class ReservoirCard(CellCard):
    """The keys of every reservoir of rate-based units."""

    activation: ActivationName = "tanh"
    leak: Share
    input_scale: PositiveGain  #: largest input weight
    bias_scale: Gain  #: biases are uniform in [-bias_scale, bias_scale]

    @model_serializer(mode="wrap")
    def _without_default(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the default activation, so that cards that do not state it keep the ids of their runs."""
        found = serialise(self)
        return {key: value for key, value in found.items() if (key, value) != ("activation", "tanh")}


class EchoStateCard(ReservoirCard):
    spectral_radius: Gain
    density: Share  #: share of recurrent connections that exist


class EchoState(NamedTuple):
    h: Tensor  #: [B, H]


@cells.register("echo_state")
class EchoStateCell(Cell):
    """H leaky units; nothing in the layer is trained. Input weights are uniform in [-input_scale, input_scale].

    Other wirings override `draw_recurrence`, and `draw_inputs` if need be.
    """

    Card = EchoStateCard
    title = "echo state"
    output_signal = "values"
    equations = f"{STEP};\nspectral radius of W_rec as stated"
    sources = ("jaeger2001",)
    card: Any

    def __init__(self, card: ReservoirCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size), requires_grad=False)
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(card.size), requires_grad=False)
        self.activation = ACTIVATIONS[card.activation]
        self.output_bounds = self.activation.bounds

    def reset_parameters(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            self.w_in.copy_(self.draw_inputs(generator))
            self.bias.copy_(self.card.bias_scale * (2 * torch.rand(self.size, generator=generator) - 1))
            self.w_rec.copy_(self.draw_recurrence(generator))

    def draw_inputs(self, generator: torch.Generator) -> Tensor:
        """Input weights [H, I]."""
        return self.card.input_scale * (2 * torch.rand(self.w_in.shape, generator=generator) - 1)

    def draw_recurrence(self, generator: torch.Generator) -> Tensor:
        """Recurrent weights [H, H]."""
        H = self.size
        weights = torch.randn(H, H, generator=generator)
        weights *= torch.rand(H, H, generator=generator) < self.card.density
        return weights * (self.card.spectral_radius / spectral_radius(weights).clamp_min(1e-12))

    def initial_state(self, batch: int) -> EchoState:
        return EchoState(self._zeros(batch))

    def step(self, state: EchoState, x: Tensor) -> tuple[Tensor, EchoState]:
        return self._moved(
            state, nn.functional.linear(x, self.w_in, self.bias) + nn.functional.linear(state.h, self.w_rec)
        )

    def _moved(self, state: EchoState, drive: Tensor) -> tuple[Tensor, EchoState]:
        h = (1 - self.card.leak) * state.h + self.card.leak * self.activation(drive)
        return h, EchoState(h)

    def fading_form(self) -> FadingForm:
        """Its own step, with sparse recurrent weights if they are worth it."""
        if self.w_rec.count_nonzero() >= SPARSE * self.w_rec.numel():
            return FadingForm(self.step)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            sparse = self.w_rec.detach().to_sparse_csr()

        def step(state: EchoState, x: Tensor) -> tuple[Tensor, EchoState]:
            """Units come first in memory, as the sparse product needs them."""
            heard = torch.addmm(self.bias[:, None], self.w_in, x.T)
            return self._moved(state, (heard + sparse @ state.h.T).T)

        return FadingForm(step)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=synapses_per_line(self.w_rec),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=(4 + self.activation.comparisons) * H,  # bias, two products, one sum
            nonlinearities=self.activation.nonlinearities * H,
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
