"""The contract of an energy model: units that settle into states of low energy.

Letters: B batch, N units, V visible units. A model defines its energy, the update of one unit, and the cost of one sweep
(every unit updated once); relaxation, and exact enumeration of small models, follow from these. A new energy model is one file
here with `@energy_models.register`. Models that sample at a temperature: `sampling.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from neurorec.basics.cards import Card
from neurorec.basics.errors import InputError
from neurorec.basics.numbers import Repeats
from neurorec.basics.registry import Registry
from neurorec.models.layer import Signal, StepOperations

energy_models: Registry[type["EnergyModel"]] = Registry("energy model")
MOST_STATES = 2**16  #: larger models are not enumerated


class EnergyModelCard(Card):
    name: str
    max_sweeps: Repeats  #: relaxation stops after this many sweeps at the latest


@dataclass(frozen=True)
class Relaxed:
    """Result of relaxing B states in at most S sweeps."""

    states: Tensor  #: [B, N]
    energies: Tensor  #: [S + 1, B] before the first sweep and after each
    sweeps: Tensor  #: [B] sweeps that each sample took, including the last one, which changed nothing
    settled: Tensor  #: [B] bool, whether its last sweep changed nothing
    sent: Tensor | None = None  #: [S, B, N] bool, which units sent a spike in each sweep; None if they send values


class EnergyModel(nn.Module, ABC):
    """N units with an energy. The first V are visible: they are what a sample sets and what the model answers with.

    Attributes
    ----------
    output_signal : what units send to each other: "values" or "spikes"
    needs : capabilities that a chip must offer, besides sending `output_signal`
    descends : whether no update of a unit ever raises the energy
    by_events : whether its samples are drawn by an event network, in `engines/lif_machine.py`, instead of sweeps
    temperature : of the Boltzmann distribution exp(-E / temperature) / Z that updates sample from; 0 for deterministic updates
    equations, sources : shown by `neurorec show`; equations are written nowhere else
    """

    Card: ClassVar[type[EnergyModelCard]]
    title: ClassVar[str]
    output_signal: ClassVar[Signal] = "values"
    descends: ClassVar[bool] = False
    by_events: ClassVar[bool] = False
    equations: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    example: ClassVar[Mapping[str, Any]] = {}
    needs: ClassVar[frozenset[str]] = frozenset()  #: chip capabilities needed, besides that of `output_signal`
    card: EnergyModelCard
    temperature: float = 0.0

    def __init__(self, card: EnergyModelCard, size: int, visible: int | None = None) -> None:
        super().__init__()
        self.card, self.size, self.visible = card, size, size if visible is None else visible

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the initial weights from `generator`."""

    @abstractmethod
    def energy(self, states: Tensor) -> Tensor:
        """The energy [B] of states [B, N]."""

    @abstractmethod
    def update(self, states: Tensor, unit: int, generator: torch.Generator) -> Tensor:
        """Update one unit: states [B, N] to states [B, N]; random numbers from `generator`."""

    def sweep(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Update every unit once, in random order: states [B, N] to states [B, N]."""
        for unit in torch.randperm(self.size, generator=generator).tolist():
            states = self.update(states, unit, generator)
        return states

    def groups(self) -> tuple[slice, ...]:
        """Units that may be updated at once, because they do not act on each other; every unit is in one group."""
        return tuple(slice(unit, unit + 1) for unit in range(self.size))

    def field(self, states: Tensor, group: slice) -> Tensor:
        """Energy at a unit's lowest level minus that at its highest, all other units unchanged: [B, units of the group]."""
        low, *_, high = self.levels()
        found = []
        for unit in range(*group.indices(self.size)):
            below, above = states.clone(), states.clone()
            below[:, unit], above[:, unit] = low, high
            found.append(self.energy(below) - self.energy(above))
        return torch.stack(found, 1)

    @abstractmethod
    def levels(self) -> tuple[float, ...]:
        """The values that a unit can take."""

    @abstractmethod
    def operations(self) -> StepOperations:
        """Operations of one sweep of one sample."""

    def start(self, x: Tensor) -> Tensor:
        """The initial state [B, N] given by an input [T, B, I]: visible units as in its last frame, hidden ones at the lowest
        level.

        Raises
        ------
        InputError
            If there are not V lines, or some line holds a value that no unit can take.
        """
        impossible = x[-1][~torch.isin(x[-1], torch.tensor(self.levels(), device=x.device))]
        if x.shape[-1] != self.visible or len(impossible):
            came = f"{x.shape[-1]} lines" if x.shape[-1] != self.visible else f"{float(impossible[0]):g}"
            known = " or ".join(f"{level:g}" for level in self.levels())
            raise InputError(f"{self.title}: an input must set each of {self.visible} units to {known} (got {came})")
        hidden = self.size - self.visible
        return torch.cat([x[-1], x.new_full((x.shape[1], hidden), self.levels()[0])], 1) if hidden else x[-1]

    def relax(self, states: Tensor, generator: torch.Generator) -> Relaxed:
        """Sweep until no state changes, or for `max_sweeps`; a model that samples never settles."""
        energies, running, sent = [self.energy(states)], torch.ones_like(states[:, 0], dtype=torch.bool), []
        sweeps = torch.zeros_like(running, dtype=torch.int64)
        for _ in range(self.card.max_sweeps):
            before, states = states, self.sweep(states, generator)
            changed = (states != before).any(1) | (self.temperature > 0)
            energies.append(self.energy(states))
            if self.output_signal == "spikes":
                sent.append(self.sent(before, states))
            sweeps += running
            running &= changed
            if not running.any():
                break
        return Relaxed(states, torch.stack(energies), sweeps, ~running, torch.stack(sent) if sent else None)

    def sent(self, before: Tensor, after: Tensor) -> Tensor:
        """Which units [B, N] sent a spike in a sweep, from the states before and after it; for models that send spikes."""
        return before != after

    def all_states(self) -> Tensor:
        """Every state of the model, [S, N].

        Raises
        ------
        InputError
            If there are more than 65,536 states.
        """
        levels = torch.tensor(self.levels())
        if len(levels) ** self.size > MOST_STATES:
            raise InputError(
                f"{self.title}: {self.size} units have {len(levels)}^{self.size} states, more than {MOST_STATES:,} can be "
                "enumerated; use a smaller model"
            )
        return torch.cartesian_prod(*[levels] * self.size).reshape(-1, self.size)

    def probabilities(self, temperature: float) -> Tensor:
        """The Boltzmann distribution [S] over `all_states`, exp(-E / temperature) / Z."""
        return torch.softmax(
            -self.energy(self.all_states().to(next(self.parameters()).dtype)).double() / temperature, 0
        )

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
