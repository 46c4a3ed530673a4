"""The deep Boltzmann machine: layers of hidden units, each with weights to the next only (Salakhutdinov & Hinton 2009)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from neurorec.basics.numbers import Repeats
from neurorec.models.energy.layered import LayeredCard, LayeredModel
from neurorec.models.energy.model import energy_models
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.energy.sampling import MOST_UNITS
from neurorec.models.layer import StepOperations

AT_ONCE = 2**22  #: numbers, when hidden units are summed out


class DeepBoltzmannCard(LayeredCard):
    mean_field_sweeps: Repeats  #: of hidden layers, to approximate their distribution for a given pattern


@energy_models.register("deep_boltzmann")
class DeepBoltzmann(LayeredModel):
    """Visible units x_0 and hidden layers x_1, x_2, ... of 0 or 1. A sweep redraws the odd layers, then the even ones.

    Odd and even layers are the two sides of a restricted Boltzmann machine, by which log Z is computed or estimated.
    """

    Card = DeepBoltzmannCard
    title = "deep Boltzmann machine"
    equations = (
        "E = -sum over l of x_l' W_l x_l+1 - sum over l of b_l' x_l;\n"
        "p(x_l = 1 | others) = sigmoid((b_l + x_l-1 W_l-1 + x_l+1 W_l') / T);\n"
        "mean field: the same with probabilities m_l instead of x_l;\n"
        "-E(x_0, m) / T + entropy of m <= log of the sum over hidden states of exp(-E / T)"
    )
    sources = ("salakhutdinov2009",)
    example = {"max_sweeps": 5, "temperature": 1.0, "initial_spread": 0.1, "hidden": [3, 2], "mean_field_sweeps": 5}  # noqa: RUF012
    card: DeepBoltzmannCard

    def energy(self, states: Tensor) -> Tensor:
        parts = self.split(states)
        total = -sum((part @ bias.to(part.dtype) for part, bias in zip(parts, self.biases, strict=True)))
        for lower, upper, weight in zip(parts, parts[1:], self.weights, strict=False):
            total = total - ((lower @ weight.to(lower.dtype)) * upper).sum(1)
        return total  # type: ignore[return-value]

    def groups(self) -> tuple[slice, ...]:
        return *self.layers[1::2], *self.layers[0::2]

    def field(self, states: Tensor, group: slice) -> Tensor:
        units = range(*group.indices(self.size))
        number = next(
            (n for n, layer in enumerate(self.layers) if layer.start <= units.start and units.stop <= layer.stop), None
        )
        if number is None:
            raise ValueError(f"{self.title}: units {units.start} to {units.stop - 1} are not all of one layer")
        start = self.layers[number].start
        return self.layer_field(self.split(states), number)[:, units.start - start : units.stop - start]

    def layer_field(self, parts: list[Tensor], number: int) -> Tensor:
        """Input [B, units] of a layer, given the states or chances of all layers."""
        dtype = parts[0].dtype
        total = self.biases[number].to(dtype).expand(len(parts[0]), -1)
        if number > 0:
            total = total + parts[number - 1] @ self.weights[number - 1].to(dtype)
        if number + 1 < len(parts):
            total = total + parts[number + 1] @ self.weights[number].to(dtype).T
        return total

    def mean_field(self, visible: Tensor) -> Tensor:
        """Visible states [B, V] with chances of the hidden units, [B, N], from one half: odd layers first in every sweep."""
        parts = [visible, *(visible.new_full((len(visible), size), 0.5) for size in self.card.hidden)]
        hidden = [*range(1, len(parts), 2), *range(2, len(parts), 2)]
        for _ in range(self.card.mean_field_sweeps):
            for number in hidden:
                parts[number] = torch.sigmoid(self.layer_field(parts, number) / self.temperature)
        return torch.cat(parts, 1)

    def lower_bound(self, visible: Tensor) -> Tensor:
        """A bound [B] of `log_weight` from below, by mean field."""
        states = self.mean_field(visible.double())
        chances = states[:, self.visible :]
        return -self.energy(states) / self.temperature + torch.special.entr(torch.stack([chances, 1 - chances])).sum(
            (0, 2)
        )

    def log_weight(self, visible: Tensor) -> Tensor:
        """By enumeration of the odd or of the even hidden layers, whichever have fewer units."""
        v, sides = visible.double(), (self._units(1), self._units(2))
        listed, summed = sorted(sides, key=len)
        zero, T = torch.zeros(1, self.size, dtype=torch.float64, device=v.device), self.temperature
        shown = zero.repeat(len(v), 1)
        shown[:, : self.visible] = v
        bias = torch.cat([*self.biases]).double()

        def logs(part: Tensor) -> Tensor:
            states = zero.repeat(len(part), 1)
            states[:, listed] = part.to(v.device)
            own = (shown @ bias / T)[:, None] + states @ bias / T + self._between(shown, states) / T
            from_shown, from_states = self._all_fields(shown)[:, summed], self._all_fields(states)[:, summed]
            rows = max(1, AT_ONCE // max(1, len(part) * len(summed)))
            once = bias[summed]  # in both fields
            return own + torch.cat([
                softplus((some[:, None] + from_states - once) / T).sum(2) for some in from_shown.split(rows)
            ])  # fmt: skip

        return self._sum_over(len(listed), logs, "hidden")

    def _units(self, first: int) -> list[int]:
        """Of every second layer from `first` on."""
        return [unit for layer in self.layers[first::2] for unit in range(layer.start, layer.stop)]

    def _all_fields(self, states: Tensor) -> Tensor:
        parts = self.split(states)
        return torch.cat([self.layer_field(parts, number) for number in range(len(parts))], 1)

    def _between(self, shown: Tensor, states: Tensor) -> Tensor:
        """[B, S]: minus the energy of the weights between visible units and the first hidden layer."""
        return (shown[:, self.layers[0]] @ self.weights[0].double()) @ states[:, self.layers[1]].T

    def annealed(self) -> RestrictedBoltzmann:
        """The even layers as visible units, the odd ones as hidden units."""
        even, odd = self._units(0), self._units(1)
        values: dict[str, Any] = self.card.model_dump(include=set(RestrictedBoltzmannCard.model_fields)) | {
            "hidden": len(odd)
        }
        made = RestrictedBoltzmann(RestrictedBoltzmannCard(**values), len(even)).double()
        whole = torch.zeros(self.size, self.size, dtype=torch.float64)
        for number, weight in enumerate(self.weights):
            whole[self.layers[number], self.layers[number + 1]] = weight.double().cpu()
        whole, bias = whole + whole.T, torch.cat([*self.biases]).double().cpu()
        made.load_state_dict({
            "weight": whole[even][:, odd], "visible_bias": bias[even], "hidden_bias": bias[odd],
        })  # fmt: skip
        return made.to(self.biases[0].device)

    @property
    def enumerable(self) -> bool:
        return min(len(self._units(0)), len(self._units(1))) <= MOST_UNITS

    def log_partition(self) -> float:
        return self.annealed().log_partition()

    def operations(self) -> StepOperations:
        sizes = self.sizes
        reached = [sum(sizes[max(0, n - 1) : n] + sizes[n + 1 : n + 2]) for n in range(len(sizes))]
        return self.sweep_operations(np.repeat(reached, sizes))
