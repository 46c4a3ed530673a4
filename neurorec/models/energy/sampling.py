"""Energy models that sample: units of two levels, redrawn from their conditional distribution, and exact densities."""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.numbers import PositiveGain
from neurorec.models.energy.annealing import AnnealingCard, LogPartition, annealed_log_partition
from neurorec.models.energy.model import EnergyModel, EnergyModelCard
from neurorec.models.layer import StepOperations

MOST_UNITS = 20  #: whose states are enumerated for a density: about a million
CHUNK = 2**14  #: states at a time


class SamplingCard(EnergyModelCard):
    temperature: PositiveGain  #: of the distribution exp(-E / temperature) / Z
    initial_spread: PositiveGain  #: standard deviation of the initial weights; biases start from 0
    annealing: AnnealingCard | None = None  #: how log Z is estimated if the model is too large to enumerate


class SamplingModel(EnergyModel):
    """Gibbs sampling: a unit takes its upper level with probability sigmoid(field / temperature), all others as they are. A
    sweep redraws one group after the other, in order."""

    card: SamplingCard

    def __init__(self, card: SamplingCard, size: int, visible: int | None = None) -> None:
        super().__init__(card, size, visible)
        self.temperature = card.temperature

    def redraw(self, states: Tensor, group: slice, uniforms: Tensor) -> Tensor:
        """States [B, N] with the units of a group redrawn, given numbers [B, units of the group] from 0 to 1."""
        low, high = self.levels()
        states, chance = states.clone(), torch.sigmoid(self.field(states, group) / self.temperature)
        states[:, group] = torch.where(uniforms < chance, high, low).to(states.dtype)
        return states

    def update(self, states: Tensor, unit: int, generator: torch.Generator) -> Tensor:
        return self.redraw(states, slice(unit, unit + 1), _uniforms(states[:, :1], generator))

    def sweep(self, states: Tensor, generator: torch.Generator) -> Tensor:
        for group in self.groups():
            states = self.redraw(states, group, _uniforms(states[:, group], generator))
        return states

    def sweep_operations(self, fan_out: np.ndarray) -> StepOperations:
        """Operations of one sweep, where each unit sends to `fan_out` [N] others, adds its bias, takes a sigmoid, draws
        a number and compares the two."""
        N = self.size
        return StepOperations(
            input_fan_out=np.zeros(N, np.int64),
            recurrent_fan_out=fan_out.astype(np.int64),
            recurrent_signal="values",
            neuron_updates=N,
            elementwise=3 * N,
            nonlinearities=N,
            state_values=N,
            tape_values=0,
        )

    def log_weight(self, visible: Tensor) -> Tensor:
        """log of the sum over hidden states of exp(-E / temperature), [B], for visible states [B, V].

        Raises
        ------
        InputError
            If there are too many hidden units to enumerate their states.
        """
        return self._sum_over(self.size - self.visible, lambda hidden: self._joined(visible.double(), hidden), "hidden")

    def log_weight_or_bound(self, visible: Tensor, generator: torch.Generator) -> Tensor:
        """`log_weight`; models that can bound it from below estimate this bound where there are too many states."""
        return self.log_weight(visible)

    def log_partition(self) -> float:
        """log Z, by enumeration. Raises `InputError` if there are too many units."""
        device = next(self.parameters()).device
        return float(self._sum_over(self.visible, lambda part: self.log_weight(part.to(device))[None], "visible")[0])

    @property
    def enumerable(self) -> bool:
        """Whether `log_partition` takes seconds at the most."""
        return self.size <= MOST_UNITS

    def annealed(self) -> "SamplingModel":
        """This model with all units visible that cannot be summed out without enumeration, for annealed importance sampling."""
        every = copy.copy(self)
        every.visible = self.size
        return every

    def partition(self, generator: torch.Generator) -> LogPartition:
        """log Z, exact or estimated. Raises `InputError` if there are too many units and the card has no `annealing`."""
        card = self.card.annealing
        if self.enumerable or card is None:
            return LogPartition(self.log_partition())
        return annealed_log_partition(self.annealed(), card, generator)

    def log_probability(self, visible: Tensor) -> Tensor:
        """log p [B] of visible states [B, V], in double precision, with log Z by enumeration."""
        return self.log_weight(visible) - self.log_partition()

    def _joined(self, visible: Tensor, hidden: Tensor) -> Tensor:
        """-E / temperature [B, S] of every visible state with every hidden state [S, H]."""
        hidden = hidden.to(visible.device)
        pairs = torch.cat([visible.repeat_interleave(len(hidden), 0), hidden.repeat(len(visible), 1)], 1)
        return -self.energy(pairs).reshape(len(visible), len(hidden)) / self.temperature

    def _sum_over(self, units: int, logs: Callable[[Tensor], Tensor], what: str) -> Tensor:
        """log of the sum over all states [S, units] of exp(logs), where `logs` gives [B, S] for a part of the states."""
        if units > MOST_UNITS:
            raise InputError(
                f"{self.title}: the states of {units} {what} units are too many to enumerate (at most {MOST_UNITS}); use a "
                "smaller model"
            )
        return torch.stack([torch.logsumexp(logs(part), 1) for part in every_state(units, self.levels())]).logsumexp(0)


def every_state(units: int, levels: tuple[float, ...]) -> Iterator[Tensor]:
    """All states of units of two levels, in parts [S, units] of double precision; without units, one empty state."""
    low, high = levels
    bits = torch.arange(units)
    for first in range(0, 2**units, CHUNK):
        numbers = torch.arange(first, min(first + CHUNK, 2**units))
        yield low + (high - low) * (numbers[:, None] >> bits & 1).double()


def _uniforms(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(like.shape, generator=generator, dtype=torch.float64).to(like.device)


def drawn(chance: Tensor, generator: torch.Generator) -> Tensor:
    """0 or 1, each 1 with the chance given."""
    uniforms = torch.rand(chance.shape, generator=generator, dtype=torch.float64).to(chance.device)
    return (uniforms < chance).to(chance.dtype)
