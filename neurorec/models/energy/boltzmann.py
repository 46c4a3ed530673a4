"""The Boltzmann machine: units of 0 or 1, all connected with each other, some of them hidden (Ackley et al. 1985)."""

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.basics.numbers import CountOrZero
from neurorec.models.energy.model import energy_models
from neurorec.models.energy.sampling import SamplingCard, SamplingModel
from neurorec.models.layer import StepOperations


class BoltzmannCard(SamplingCard):
    hidden: CountOrZero


@energy_models.register("boltzmann")
class Boltzmann(SamplingModel):
    """N units, all-to-all, with symmetric weights and no self-connections. A sweep redraws one unit after the other, in order.
    The biases are minus the thresholds in the lecture "Recurrent neural networks"."""

    Card = BoltzmannCard
    title = "Boltzmann machine"
    equations = (
        "E = -1/2 sum over i, j of w_ij s_i s_j - sum over i of b_i s_i, w_ij = w_ji, w_ii = 0;\n"
        "p(s_i = 1 | others) = sigmoid((b_i + sum over j of w_ij s_j) / T)"
    )
    sources = ("ackley1985",)
    example = {"max_sweeps": 5, "temperature": 1.0, "initial_spread": 0.1, "hidden": 2}  # noqa: RUF012
    card: BoltzmannCard

    def __init__(self, card: BoltzmannCard, visible: int) -> None:
        super().__init__(card, visible + card.hidden, visible)
        self.weight = nn.Parameter(torch.zeros(self.size, self.size), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(self.size), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            drawn = self.card.initial_spread * torch.randn(self.weight.shape, generator=generator).triu(1)
            self.weight.copy_(drawn + drawn.T)
            self.bias.zero_()

    def energy(self, states: Tensor) -> Tensor:
        weight, bias = self.weight.to(states.dtype), self.bias.to(states.dtype)
        return -((states @ weight) * states).sum(1) / 2 - states @ bias

    def field(self, states: Tensor, group: slice) -> Tensor:
        weight, bias = self.weight.to(states.dtype), self.bias.to(states.dtype)
        return states @ weight[:, group] + bias[group]

    def active(self, states: Tensor) -> Tensor:
        """Which units are on, as 0 or 1, in states [B, N]."""
        return states

    def levels(self) -> tuple[float, ...]:
        return 0.0, 1.0

    def operations(self) -> StepOperations:
        return self.sweep_operations(np.full(self.size, self.size - 1))

    @property
    def parameter_count(self) -> int:
        """w_ij and w_ji count once."""
        return self.size * (self.size - 1) // 2 + self.size
