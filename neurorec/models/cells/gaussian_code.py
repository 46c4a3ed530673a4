"""A code drawn from a normal distribution whose mean and variance follow from what was heard (Kingma and Welling 2014)."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal


class GaussianCodeCard(CellCard):
    input_gain: Gain


class GaussianCodeState(NamedTuple):
    noise: Tensor  #: [B, H] from a standard normal distribution, the same in all steps; 0 if the samples give none
    mean: Tensor  #: [B, H]
    log_variance: Tensor  #: [B, H]


@cells.register("gaussian_code")
class GaussianCode(Cell):
    """H units that accumulate their input as mean and log variance of a normal distribution, and send a sample of it.

    Between an encoder and a decoder, they are the code of a variational autoencoder (the lecture's last slides, "One-shot
    learning"): a layer that reads, and whose last output the decoder hears. The noise comes with the samples, so that the same
    noise gives the same code. Since inputs are added up, a spiking encoder acts by its spike counts, without further membranes.
    """

    Card = GaussianCodeCard
    title = "Gaussian code"
    output_signal = "values"
    nir_why_not = "NIR has no random units"
    equations = (
        "m_t = m_{t-1} + W_m x_t,  m_0 = b_m;   s_t = s_{t-1} + W_s x_t,  s_0 = b_s;\n"
        "z_t = m_t + exp(s_t / 2) noise;   KL(code | prior) = 1/2 sum of (m^2 + exp(s) - s - 1)"
    )
    sources = ("kingma2014",)
    example: ClassVar = {"input_gain": 1.0}
    given_field = "noise"
    holds = True
    card: GaussianCodeCard

    def __init__(self, card: GaussianCodeCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(2 * card.size, input_size))  # of the means, then of the log variances
        self.bias = nn.Parameter(torch.zeros(2 * card.size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)
        nn.init.zeros_(self.bias)

    def initial_state(self, batch: int) -> GaussianCodeState:
        mean, log_variance = self.bias.expand(batch, -1).chunk(2, 1)
        return GaussianCodeState(self._zeros(batch), mean, log_variance)

    def step(self, state: GaussianCodeState, x: Tensor) -> tuple[Tensor, GaussianCodeState]:
        more_mean, more_log_variance = nn.functional.linear(x, self.w_in).chunk(2, -1)
        mean, log_variance = state.mean + more_mean, state.log_variance + more_log_variance
        state = GaussianCodeState(state.noise, mean, log_variance)
        return self.code(state), state

    def code(self, state: GaussianCodeState) -> Tensor:
        """The code [B, H] that is drawn in this state."""
        return state.mean + (0.5 * state.log_variance).exp() * state.noise

    def divergence(self, state: GaussianCodeState) -> Tensor:
        """Kullback-Leibler divergence [B] of the code's distribution from a standard normal one, in nats."""
        mean, log_variance = state.mean, state.log_variance
        return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)

    def log_ratio(self, state: GaussianCodeState) -> Tensor:
        """log [B] of the prior density of the drawn code, relative to its density under its own distribution."""
        return 0.5 * (state.noise.square() + state.log_variance - self.code(state).square()).sum(1)

    def operations(self) -> StepOperations:
        """Half the log variance, times the noise, onto the mean; an exponential. The noise is given."""
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 2 * H),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=3 * H,
            nonlinearities=H,
            state_values=3 * H,
            tape_values=2 * H,  # noise and standard deviation
        )
