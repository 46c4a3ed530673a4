"""The restricted Boltzmann machine: visible and hidden units, weights only between the two (Smolensky 1986; Hinton 2002)."""

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.basics.numbers import Units
from neurorec.models.energy.model import energy_models
from neurorec.models.energy.sampling import MOST_UNITS, SamplingCard, SamplingModel
from neurorec.models.layer import StepOperations


class RestrictedBoltzmannCard(SamplingCard):
    hidden: Units


@energy_models.register("restricted_boltzmann")
class RestrictedBoltzmann(SamplingModel):
    """V visible and H hidden units of 0 or 1. A sweep redraws all hidden units, and then all visible ones.

    The lecture "Recurrent neural networks" (Associative memories) prints E = sum W x x + sum b x, whose conditional would be
    sigmoid(-b - W x); its conditional sigmoid(b + W x) belongs to the energy with the opposite sign, which is used here.
    """

    Card = RestrictedBoltzmannCard
    title = "restricted Boltzmann machine"
    equations = (
        "E = -sum over i, j of v_i w_ij h_j - sum over i of b_i v_i - sum over j of c_j h_j;\n"
        "p(h_j = 1 | v) = sigmoid((c_j + sum over i of v_i w_ij) / T),\n"
        "p(v_i = 1 | h) = sigmoid((b_i + sum over j of w_ij h_j) / T)"
    )
    sources = ("smolensky1986", "hinton2002")
    example = {"max_sweeps": 5, "temperature": 1.0, "initial_spread": 0.1, "hidden": 3}  # noqa: RUF012
    card: RestrictedBoltzmannCard

    def __init__(self, card: RestrictedBoltzmannCard, visible: int) -> None:
        super().__init__(card, visible + card.hidden, visible)
        self.hidden = card.hidden
        self.weight = nn.Parameter(torch.zeros(visible, card.hidden), requires_grad=False)
        self.visible_bias = nn.Parameter(torch.zeros(visible), requires_grad=False)
        self.hidden_bias = nn.Parameter(torch.zeros(card.hidden), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        with torch.no_grad():
            self.weight.copy_(self.card.initial_spread * torch.randn(self.weight.shape, generator=generator))
            self.visible_bias.zero_()
            self.hidden_bias.zero_()

    def energy(self, states: Tensor) -> Tensor:
        v, h = states[:, : self.visible], states[:, self.visible :]
        weight, b, c = (part.to(states.dtype) for part in (self.weight, self.visible_bias, self.hidden_bias))
        return -((v @ weight) * h).sum(1) - v @ b - h @ c

    def groups(self) -> tuple[slice, ...]:
        return slice(self.visible, self.size), slice(0, self.visible)

    def field(self, states: Tensor, group: slice) -> Tensor:
        units, V = range(*group.indices(self.size)), self.visible
        if len(units) and (units[0] < V) != (units[-1] < V):
            raise ValueError(f"{self.title}: units {units[0]} to {units[-1]} are not all visible or all hidden")
        if units.stop <= V:
            return self.visible_field(states[:, V:])[:, group]
        return self.hidden_field(states[:, :V])[:, units.start - V : units.stop - V]

    def hidden_field(self, visible: Tensor) -> Tensor:
        """Input of the hidden units: [B, V] to [B, H]."""
        return torch.addmm(self.hidden_bias.to(visible.dtype), visible, self.weight.to(visible.dtype))

    def visible_field(self, hidden: Tensor) -> Tensor:
        """Input of the visible units: [B, H] to [B, V]."""
        return torch.addmm(self.visible_bias.to(hidden.dtype), hidden, self.weight.to(hidden.dtype).T)

    def log_weight(self, visible: Tensor) -> Tensor:
        """Minus the free energy over the temperature: v'b / T + sum over j of log(1 + exp(input of j / T))."""
        v, T = visible.double(), self.temperature
        return v @ self.visible_bias.double() / T + nn.functional.softplus(self.hidden_field(v) / T).sum(1)

    def log_partition(self) -> float:
        """By enumeration of whichever side is smaller."""
        if self.visible <= self.hidden:
            return super().log_partition()
        T, device = self.temperature, self.weight.device

        def of_hidden(part: Tensor) -> Tensor:
            h = part.to(device)
            logs = h @ self.hidden_bias.double() / T + nn.functional.softplus(self.visible_field(h) / T).sum(1)
            return logs[None]

        return float(self._sum_over(self.hidden, of_hidden, "hidden")[0])

    @property
    def enumerable(self) -> bool:
        return min(self.visible, self.hidden) <= MOST_UNITS

    def annealed(self) -> "RestrictedBoltzmann":
        return self

    def levels(self) -> tuple[float, ...]:
        return 0.0, 1.0

    def operations(self) -> StepOperations:
        V, H = self.visible, self.hidden
        return self.sweep_operations(np.repeat([H, V], [V, H]))
