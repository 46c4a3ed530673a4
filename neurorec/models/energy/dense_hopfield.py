"""Dense associative memory: a Hopfield network whose energy is a power or an exponential of the overlaps (Krotov & Hopfield
2016; Demircigil et al. 2017)."""

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Count
from neurorec.models.energy.model import EnergyModel, EnergyModelCard, energy_models
from neurorec.models.layer import StepOperations

EXPONENTIAL = "exponential"
Power = Annotated[int, Field(ge=2, le=20)] | Literal["exponential"]  #: n of F, or F(m) = exp(m - N)


class DenseHopfieldCard(EnergyModelCard):
    patterns: Count  #: K, that can be stored
    power: Power


@energy_models.register("dense_hopfield")
class DenseHopfield(EnergyModel):
    """N units of +-1 and K stored patterns, whose overlaps are raised to a power. With the power 2, this is the Hopfield
    network with Hebbian weights, up to a factor and the weights of units to themselves."""

    Card = DenseHopfieldCard
    title = "dense associative memory"
    equations = (
        "E = -sum over k of F(m_k), m_k = sum over i of x_ki s_i;   F(m) = m^n, or exp(m - N);\n"
        "one unit at a time, in random order: s_i takes the sign with the lower energy, unchanged if both are equal"
    )
    sources = ("krotov2016", "demircigil2017")
    descends = True
    needs = capabilities("gates")
    example = {"max_sweeps": 20, "patterns": 3, "power": 3}  # noqa: RUF012
    card: DenseHopfieldCard

    def __init__(self, card: DenseHopfieldCard, size: int) -> None:
        super().__init__(card, size)
        self.memory = nn.Parameter(torch.zeros(card.patterns, size), requires_grad=False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """All memories 0: no pattern is stored yet."""
        with torch.no_grad():
            self.memory.zero_()

    def energy(self, states: Tensor) -> Tensor:
        return -self._steep(states.double() @ self.memory.double().T).sum(1)

    def update(self, states: Tensor, unit: int, generator: torch.Generator) -> Tensor:
        states, own = states.clone(), self.memory[:, unit].double()
        others = states.double() @ self.memory.double().T - states[:, unit, None] * own
        field = (self._steep(others + own) - self._steep(others - own)).sum(1)
        states[:, unit] = torch.where(field == 0, states[:, unit], field.sign().to(states.dtype))
        return states

    def _steep(self, overlaps: Tensor) -> Tensor:
        return (overlaps - self.size).exp() if self.card.power == EXPONENTIAL else overlaps**self.card.power

    def levels(self) -> tuple[float, ...]:
        return -1.0, 1.0

    def operations(self) -> StepOperations:
        """Each unit sends its state to the K memories, which keep their overlaps. To update a unit, every memory removes the
        unit's part from its overlap, adds and subtracts the pattern's value, takes F of both and their difference, and sends
        it on, where it is summed."""
        N, K, power = self.size, self.card.patterns, self.card.power
        products = 1 if power == EXPONENTIAL else power - 1  # subtracts N, or multiplies
        return StepOperations(
            input_fan_out=np.zeros(N, np.int64),
            recurrent_fan_out=np.full(N, K, np.int64),
            recurrent_signal="values",
            neuron_updates=N,
            elementwise=N * K * (5 + 2 * products) + N,
            nonlinearities=2 * N * K if power == EXPONENTIAL else 0,
            state_values=N + K,
            tape_values=0,
        )
