"""The deep belief net: an undirected pair of layers on top of directed ones (Hinton, Osindero & Teh 2006)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from neurorec.basics.numbers import Repeats
from neurorec.models.energy.layered import LayeredCard, LayeredModel
from neurorec.models.energy.model import energy_models
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.energy.sampling import MOST_UNITS, drawn
from neurorec.models.layer import StepOperations


class DeepBeliefCard(LayeredCard):
    top_sweeps: Repeats  #: of the top two layers in each sweep, before one pass down
    bound_samples: Repeats  #: per pattern, for the lower bound of its probability


@energy_models.register("deep_belief")
class DeepBelief(LayeredModel):
    """Visible units x_0 and hidden layers x_1 ... x_L of 0 or 1. x_L-1 and x_L are a restricted Boltzmann machine; every lower
    layer is drawn given the one above. For recognition, weights are used the other way, with biases of their own.

    A net of this kind has no energy by itself; its energy here is minus the logarithm of the joint probability, up to log Z,
    which is that of the top two layers since all others are normalised. One sweep runs `top_sweeps` sweeps of the top two
    layers, and then draws the others once from above; values in between are read from the units' state.
    """

    Card = DeepBeliefCard
    title = "deep belief net"
    equations = (
        "E = -T sum over l < L - 1 of log p(x_l | x_l+1) - x_L-1' W_L-1 x_L - b_L-1' x_L-1 - b_L' x_L;\n"
        "p(x_l = 1 | x_l+1) = sigmoid((b_l + W_l x_l+1) / T) for l < L - 1;\n"
        "recognition: q(x_l+1 = 1 | x_l) = sigmoid((r_l+1 + x_l W_l) / T);\n"
        "bound: log p(x_0) >= <log p(x_0 ... x_L-1) - log q(x_1 ... x_L-1 | x_0)>_q"
    )
    sources = ("hinton2006", "salakhutdinov2008")
    example = {  # noqa: RUF012
        "max_sweeps": 5, "temperature": 1.0, "initial_spread": 0.1, "hidden": [3, 2], "top_sweeps": 1, "bound_samples": 5,
    }  # fmt: skip
    card: DeepBeliefCard

    def __init__(self, card: DeepBeliefCard, visible: int) -> None:
        super().__init__(card, visible)
        self.recognition = nn.ParameterList([
            nn.Parameter(torch.zeros(size), requires_grad=False) for size in card.hidden[:-1]
        ])  # fmt: skip

    def reset_parameters(self, generator: torch.Generator) -> None:
        super().reset_parameters(generator)
        for bias in self.recognition:
            bias.zero_()

    def down(self, above: Tensor, number: int) -> Tensor:
        """Input of layer `number`, over the temperature, given the states of the one above."""
        dtype = above.dtype
        return (self.biases[number].to(dtype) + above @ self.weights[number].to(dtype).T) / self.temperature

    def up(self, below: Tensor, number: int) -> Tensor:
        """Input of layer `number`, over the temperature, by which it recognises the states of the one below."""
        dtype = below.dtype
        bias = self.recognition[number - 1].to(dtype)
        return (bias + below @ self.weights[number - 1].to(dtype)) / self.temperature

    def energy(self, states: Tensor) -> Tensor:
        *directed, below, top = self.split(states)
        total = self.top().energy(torch.cat([below, top], 1))
        for number, part in enumerate(directed):
            above = self.split(states)[number + 1]
            total = total - self.temperature * _log_chance(part, self.down(above, number))
        return total

    def top(self) -> RestrictedBoltzmann:
        """The top two layers, with the same weights."""
        shared: dict[str, Any] = self.card.model_dump(include=set(RestrictedBoltzmannCard.model_fields))
        values: dict[str, Any] = shared | {"hidden": self.sizes[-1]}
        made = RestrictedBoltzmann(RestrictedBoltzmannCard(**values), self.sizes[-2])
        made.weight, made.visible_bias, made.hidden_bias = self.weights[-1], self.biases[-2], self.biases[-1]
        return made

    def sweep(self, states: Tensor, generator: torch.Generator) -> Tensor:
        parts, top = self.split(states), self.top()
        pair = torch.cat(parts[-2:], 1)
        for _ in range(self.card.top_sweeps):
            pair = top.sweep(pair, generator)
        parts[-2:] = pair[:, : top.visible], pair[:, top.visible :]
        for number in reversed(range(len(parts) - 2)):
            parts[number] = drawn(torch.sigmoid(self.down(parts[number + 1], number)), generator)
        return torch.cat(parts, 1)

    def recognise(self, visible: Tensor, layer: int, generator: torch.Generator) -> list[Tensor]:
        """Visible states [B, V], and those of the layers up to `layer`, each drawn given the one below."""
        parts = [visible]
        for number in range(1, layer + 1):
            parts.append(drawn(torch.sigmoid(self.up(parts[-1], number)), generator))
        return parts

    @property
    def bounded(self) -> bool:
        """Whether `log_weight_or_bound` is a lower bound, since there are too many hidden states."""
        return sum(self.card.hidden[:-1]) > MOST_UNITS

    def log_weight(self, visible: Tensor) -> Tensor:
        """By enumeration of all hidden layers but the top one, which is summed by itself."""
        v = visible.double()

        def logs(part: Tensor) -> Tensor:
            parts = [v, *part.to(v.device).split(self.card.hidden[:-1], 1)]
            field = self.down(parts[1], 0)
            return v @ field.T - softplus(field).sum(1) + self._log_hidden(parts)

        return self._sum_over(sum(self.card.hidden[:-1]), logs, "hidden")

    def log_weight_or_bound(self, visible: Tensor, generator: torch.Generator) -> Tensor:
        return self.lower_bound(visible, generator) if self.bounded else self.log_weight(visible)

    def lower_bound(self, visible: Tensor, generator: torch.Generator) -> Tensor:
        """An unbiased estimate [B] of a bound of `log_weight` from below, the mean of `log_ratio` over `bound_samples`."""
        total, v = torch.zeros(len(visible), dtype=torch.float64, device=visible.device), visible.double()
        for _ in range(self.card.bound_samples):
            total += self.log_ratio(self.recognise(v, len(self.card.hidden) - 1, generator))
        return total / self.card.bound_samples

    def log_ratio(self, parts: list[Tensor]) -> Tensor:
        """log of the weight of states of all layers but the top one, over the chance that they are recognised, [B]."""
        total = _log_chance(parts[0], self.down(parts[1], 0)) + self._log_hidden(parts)
        for number in range(1, len(parts)):
            total = total - _log_chance(parts[number], self.up(parts[number - 1], number))
        return total

    def _log_hidden(self, parts: list[Tensor]) -> Tensor:
        """log of the weight of states of the hidden layers, the top one summed."""
        total = self.top().log_weight(parts[-1])
        for number in range(1, len(parts) - 1):
            total = total + _log_chance(parts[number], self.down(parts[number + 1], number))
        return total

    def annealed(self) -> RestrictedBoltzmann:
        return self.top()

    @property
    def enumerable(self) -> bool:
        return self.top().enumerable

    def log_partition(self) -> float:
        return self.top().log_partition()

    def operations(self) -> StepOperations:
        """A directed synapse is used once, downward; one between the top two layers once each way, `top_sweeps` times."""
        *_, below, top = self.sizes
        more = self.card.top_sweeps - 1
        N = self.size + more * (below + top)
        return StepOperations(
            input_fan_out=np.zeros(self.size, np.int64),
            recurrent_fan_out=np.repeat(self._reached(), self.sizes).astype(np.int64),
            recurrent_signal="values",
            neuron_updates=N,
            elementwise=3 * N,  # bias, random number, comparison
            nonlinearities=N,
            state_values=N,
            tape_values=0,
            macs=more * 2 * below * top,
        )

    def _reached(self) -> list[int]:
        """Units that one unit of each layer sends to: those below, and from the last but one also those above."""
        reached = [0, *self.sizes[:-1]]
        reached[-2] += self.sizes[-1]
        return reached


def _log_chance(states: Tensor, field: Tensor) -> Tensor:
    """log of the probability [B] of states of 0 or 1 [B, units], each 1 with probability sigmoid(field)."""
    return (states * field - softplus(field)).sum(1)
