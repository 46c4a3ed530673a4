"""Neural sampling: spiking neurons with an absolute refractory period whose states are samples of a Boltzmann machine."""

import math
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from neurorec.models.energy.annealing import LogPartition
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard
from neurorec.models.energy.model import energy_models
from neurorec.models.layer import StepOperations


class RefractoryBoltzmannCard(BoltzmannCard):
    refractory_steps: Annotated[
        int, Field(ge=1, le=1000)
    ]  #: tau, steps for which a neuron counts as on after its spike


@energy_models.register("refractory_boltzmann")
class RefractoryBoltzmann(Boltzmann):
    """The state of a neuron is its counter: tau after a spike, then one less per step; at 1 or 0 it may fire. A sweep is one
    step, in which neurons are updated in order. Every update leaves the distribution of `energy` invariant; summed over
    counters, that is the distribution of the Boltzmann machine with the same weights.

    A neuron's effect on others lasts as long as it is on; it sends one event when it switches on and one when it switches off.
    """

    Card = RefractoryBoltzmannCard
    title = "neural sampling"
    output_signal = "spikes"
    equations = (
        "z_i = 1 while c_i > 0, else 0;   c_i <- c_i - 1 if c_i > 1, else\n"
        "c_i <- tau with probability sigmoid(u_i / T - log tau), else 0;   u_i = b_i + sum over j of w_ij z_j;\n"
        "p(c) = exp(-E / T) / Z,   E = -1/2 sum over i, j of w_ij z_i z_j - sum over i of b_i z_i\n"
        "    + T log tau sum over i of z_i"
    )
    sources = ("buesing2011", "ackley1985")
    example = {**Boltzmann.example, "hidden": 1, "refractory_steps": 3}  # noqa: RUF012
    card: RefractoryBoltzmannCard

    def active(self, states: Tensor) -> Tensor:
        return (states > 0).to(states.dtype)

    def energy(self, states: Tensor) -> Tensor:
        on = self.active(states)
        return super().energy(on) + self.temperature * math.log(self.card.refractory_steps) * on.sum(1)

    def field(self, states: Tensor, group: slice) -> Tensor:
        others = super().field(self.active(states), group)
        return others - self.temperature * math.log(self.card.refractory_steps)

    def redraw(self, states: Tensor, group: slice, uniforms: Tensor) -> Tensor:
        states, may_fire = states.clone(), states[:, group] <= 1
        fires = uniforms < torch.sigmoid(self.field(states, group) / self.temperature)
        fired = torch.where(fires, float(self.card.refractory_steps), 0.0).to(states.dtype)
        states[:, group] = torch.where(may_fire, fired, states[:, group] - 1)
        return states

    def sent(self, before: Tensor, after: Tensor) -> Tensor:
        return (before > 0) != (after > 0)

    def levels(self) -> tuple[float, ...]:
        return tuple(float(level) for level in range(self.card.refractory_steps + 1))

    def log_weight(self, visible: Tensor) -> Tensor:
        """That of the Boltzmann machine with the same weights, as all densities: 1 stands for a neuron that is on."""
        return self.machine().log_weight(visible)

    def log_partition(self) -> float:
        return self.machine().log_partition()

    def partition(self, generator: torch.Generator) -> LogPartition:
        return self.machine().partition(generator)

    def machine(self) -> Boltzmann:
        """The Boltzmann machine that it samples from, with the same weights."""
        keys = BoltzmannCard.model_fields
        made = Boltzmann(BoltzmannCard(**{key: getattr(self.card, key) for key in keys}), self.visible)
        made.weight, made.bias = self.weight, self.bias
        return made

    def operations(self) -> StepOperations:
        """Each neuron keeps its field and its counter, and compares the counter with 1. Only those that may fire draw a number;
        here all are counted, with threshold, sigmoid and comparison."""
        N = self.size
        return StepOperations(
            input_fan_out=np.zeros(N, np.int64),
            recurrent_fan_out=np.full(N, N - 1, np.int64),
            recurrent_signal="spikes",
            neuron_updates=N,
            elementwise=5 * N,
            nonlinearities=N,
            state_values=2 * N,
            tape_values=0,
        )
