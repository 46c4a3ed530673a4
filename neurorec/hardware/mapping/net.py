"""What is placed: groups of units that occupy a chip, their spikes, and their connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular, Wires
from neurorec.hardware.workload.workload import Workload


@dataclass(frozen=True)
class UnitGroup:
    """`size` identical neurons. `spikes` [size]: of each neuron, over all samples."""

    name: str
    size: int
    units: int  #: hardware units per neuron
    spikes: np.ndarray


@dataclass(frozen=True)
class Net:
    """As `Wiring`, with the space that every group occupies on one chip."""

    groups: tuple[UnitGroup, ...]
    input_spikes: np.ndarray  #: [I] over all samples
    regular: tuple[Regular, ...]
    synapses: np.ndarray
    wired: frozenset[tuple[int, int]] = frozenset()
    draw: Callable[[], Wires] | None = None

    @cached_property
    def wires(self) -> Wires:
        if self.draw is None:
            return Wires(np.zeros(self.size + 1, np.int64), np.zeros(0, np.int32))
        return self.draw()

    @cached_property
    def size(self) -> int:
        return sum(group.size for group in self.groups)

    @cached_property
    def inputs(self) -> int:
        return len(self.input_spikes)

    @cached_property
    def first(self) -> np.ndarray:
        """[G + 1] the first unit of each group."""
        return np.concatenate([[0], np.cumsum([group.size for group in self.groups])]).astype(np.int64)

    @cached_property
    def group_of(self) -> np.ndarray:
        """[N] the group of each unit."""
        return np.repeat(np.arange(len(self.groups), dtype=np.int32), [group.size for group in self.groups])

    @cached_property
    def spikes(self) -> np.ndarray:
        """[I + N] spikes of every line, over all samples."""
        return np.concatenate([self.input_spikes, *(group.spikes for group in self.groups)]).astype(np.int64)

    def size_of(self, source: int) -> int:
        return self.inputs if source == INPUT_LINES else self.groups[source].size


def net_of(work: Workload, chip: Chip) -> Net:
    """The workload on `chip`. Spikes of the last step are sent too, although nothing reads them; values send no spikes."""
    wiring, silent = work.wiring, np.zeros(work.input_size, np.int64)
    groups = tuple(
        UnitGroup(p.name, p.size, chip.units_of(p.needs), np.zeros(p.size, np.int64) if p.spikes is None else p.spikes)
        for p in work.populations
    )
    arriving = silent if work.input_spikes is None else np.where(wiring.input_reaches, work.input_spikes, 0)
    return Net(groups, arriving.astype(np.int64), wiring.regular, wiring.synapses, wiring.wired, lambda: wiring.wires)
