"""The Hopfield network (1982): units of +-1 that align with the field of all others, one after another."""

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.models.energy.model import EnergyModel, EnergyModelCard, energy_models
from neurorec.models.layer import StepOperations


@energy_models.register("hopfield")
class Hopfield(EnergyModel):
    """N units, all-to-all, with symmetric weights and no self-connections. Updating one unit never raises the energy."""

    Card = EnergyModelCard
    title = "Hopfield network"
    equations = (
        "E = -1/2 sum over i, j of w_ij s_i s_j;   one unit at a time, in random order: s_i = sign(sum over j of w_ij s_j), "
        "unchanged if the sum is 0;   w_ij = w_ji, w_ii = 0"
    )
    sources = ("hopfield1982",)
    descends = True
    example = {"max_sweeps": 20}  # noqa: RUF012

    def __init__(self, card: EnergyModelCard, size: int) -> None:
        super().__init__(card, size)
        self.weight = nn.Parameter(torch.zeros(size, size), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """All weights 0: no pattern is stored yet."""
        with torch.no_grad():
            self.weight.zero_()

    def energy(self, states: Tensor) -> Tensor:
        return -((states @ self.weight) * states).sum(1) / 2

    def update(self, states: Tensor, unit: int, generator: torch.Generator) -> Tensor:
        states, field = states.clone(), states @ self.weight[unit]
        states[:, unit] = torch.where(field == 0, states[:, unit], field.sign())
        return states

    def levels(self) -> tuple[float, ...]:
        return -1.0, 1.0

    def operations(self) -> StepOperations:
        N = self.size
        return StepOperations(
            input_fan_out=self._fan_out(0),
            recurrent_fan_out=self._fan_out(N - 1),
            recurrent_signal="values",
            neuron_updates=N,
            elementwise=N,  # one comparison per unit
            nonlinearities=0,
            state_values=N,
            tape_values=0,
        )

    @property
    def parameter_count(self) -> int:
        """w_ij and w_ji count once."""
        return self.size * (self.size - 1) // 2

    def _fan_out(self, each: int) -> np.ndarray:
        return np.full(self.size, each, dtype=np.int64)
