"""The Ising model: spins on a square lattice that align with their neighbours, at a temperature ("Ising model" in the lecture
on energy-based learning; Onsager 1944)."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import PositiveGain
from neurorec.models.energy.model import EnergyModel, EnergyModelCard, energy_models
from neurorec.models.layer import StepOperations


class IsingCard(EnergyModelCard):
    temperature: PositiveGain  #: in units of J / k_B
    dynamics: Literal["metropolis", "glauber"]


@energy_models.register("ising")
class Ising(EnergyModel):
    """N spins on a lattice that is as square as N allows, periodic in both directions, without an external field. A side of 2
    has two bonds between the same two spins; a side of 1 has none."""

    Card = IsingCard
    title = "Ising model"
    equations = (
        "E = -J sum over neighbours i, j of s_i s_j;   one unit at a time, h_i = J sum of the 4 neighbours:\n"
        "Metropolis: s_i flips with probability min(1, exp(-2 s_i h_i / T));   Glauber: s_i = 1 with probability "
        "1 / (1 + exp(-2 h_i / T))"
    )
    sources = ("onsager1944", "metropolis1953", "glauber1963")
    needs = capabilities("gates")
    example = {"max_sweeps": 20, "temperature": 2.0, "dynamics": "metropolis"}  # noqa: RUF012
    card: IsingCard

    def __init__(self, card: IsingCard, size: int) -> None:
        super().__init__(card, size)
        self.temperature = card.temperature
        self.coupling = nn.Parameter(torch.ones(1), requires_grad=False)
        self.rows = max(side for side in range(1, size + 1) if size % side == 0 and side * side <= size)
        self.columns = size // self.rows

    def reset_parameters(self, generator: torch.Generator) -> None:
        """J = 1, which is the unit of energy."""
        with torch.no_grad():
            self.coupling.fill_(1.0)

    def energy(self, states: Tensor) -> Tensor:
        lattice = states.unflatten(1, (self.rows, self.columns))
        bonds = sum((lattice * lattice.roll(-1, side)).sum((1, 2)) for side in (1, 2) if lattice.shape[side] > 1)
        return -self.coupling * bonds

    def neighbours(self, unit: int) -> list[int]:
        row, column = divmod(unit, self.columns)
        beside = [row * self.columns + (column + step) % self.columns for step in (-1, 1)]
        above = [(row + step) % self.rows * self.columns + column for step in (-1, 1)]
        return [*(beside if self.columns > 1 else []), *(above if self.rows > 1 else [])]

    def chance_up(self, spins: Tensor, field: Tensor) -> Tensor:
        """The probability that spins are 1 after an update in this field."""
        tilt = 2 * field.double() / self.temperature
        if self.card.dynamics == "glauber":
            return torch.sigmoid(tilt)
        return torch.where(spins > 0, 1 - (-tilt).exp().clamp_max(1), tilt.exp().clamp_max(1))

    def turned(self, states: Tensor, unit: int, uniforms: Tensor) -> Tensor:
        """States [B, N] after an update of one unit with random numbers [B] that are uniform from 0 to 1."""
        states, field = states.clone(), self.coupling * states[:, self.neighbours(unit)].sum(1)
        up = uniforms < self.chance_up(states[:, unit], field)
        states[:, unit] = torch.where(up, 1.0, -1.0).to(states.dtype)
        return states

    def update(self, states: Tensor, unit: int, generator: torch.Generator) -> Tensor:
        uniforms = torch.rand(len(states), generator=generator, dtype=torch.float64)
        return self.turned(states, unit, uniforms.to(states.device))

    def levels(self) -> tuple[float, ...]:
        return -1.0, 1.0

    def operations(self) -> StepOperations:
        """Per unit: the field is scaled (with the spin, for Metropolis), goes through one nonlinearity and is compared with a
        random number, which is not counted."""
        N = self.size
        return StepOperations(
            input_fan_out=np.zeros(N, np.int64),
            recurrent_fan_out=np.array([len(self.neighbours(unit)) for unit in range(N)], np.int64),
            recurrent_signal="values",
            neuron_updates=N,
            elementwise=(3 if self.card.dynamics == "metropolis" else 2) * N,
            nonlinearities=N,
            state_values=N,
            tape_values=0,
        )
