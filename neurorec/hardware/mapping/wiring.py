"""What mapping needs to know of a network, trained or described: groups of neurons, their spikes, who hears whom.

Connections are regular (each unit hears every unit of the source, or as many as its fan-in at the same relative
place: the best case), or wired: known synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

INPUT = -1  #: as the source of a connection: the input lines


@dataclass(frozen=True)
class Group:
    """`size` neurons alike. `spikes` [size]: of each, over all samples."""

    name: str
    size: int
    units: int  #: hardware units that one neuron takes
    spikes: np.ndarray
    is_readout: bool


@dataclass(frozen=True)
class Regular:
    """Each unit of the group `target` has `fan_in` synapses from the group `source`; all, if that is its size."""

    source: int
    target: int
    fan_in: int


@dataclass(frozen=True)
class Wires:
    """Unit u, counted through all groups, hears lines[starts[u]:starts[u + 1]], each once. Lines: the input's, then units."""

    starts: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True)
class Net:
    """`synapses` [N]: synapses that end at each unit. `wired`: the (source, target) pairs that `draw` gives the wires of."""

    groups: tuple[Group, ...]
    input_spikes: np.ndarray  #: [I] over all samples
    regular: tuple[Regular, ...]
    synapses: np.ndarray
    wired: frozenset[tuple[int, int]] = frozenset()
    draw: Callable[[], Wires] | None = None
    structured: bool = False  #: whether the wires have a structure that a partition could use

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
        """[I + N] of every line, over all samples."""
        return np.concatenate([self.input_spikes, *(group.spikes for group in self.groups)]).astype(np.int64)

    def size_of(self, source: int) -> int:
        return self.inputs if source == INPUT else self.groups[source].size
