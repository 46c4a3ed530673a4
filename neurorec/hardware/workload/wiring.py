"""Connectivity, as far as it is needed for placement.

Connections are either regular (each unit receives every unit of the source, or as many as its fan-in at the same relative
position: the best case) or wired: known synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

INPUT_LINES = -1  #: as the source of a connection


@dataclass(frozen=True)
class Regular:
    """Each unit of the population `target` has `fan_in` synapses from the population `source`."""

    source: int
    target: int
    fan_in: int


@dataclass(frozen=True)
class Wires:
    """Unit u, numbered across all populations, receives lines[starts[u]:starts[u + 1]], each once. Lines: input lines first,
    then units."""

    starts: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True, eq=False)
class Wiring:
    """`synapses` [N]: synapses of each unit. `wired`: the (source, target) pairs whose wires are given by `draw`.
    `input_reaches` [I]: whether an input line has any synapse."""

    regular: tuple[Regular, ...]
    synapses: np.ndarray
    input_reaches: np.ndarray
    wired: frozenset[tuple[int, int]] = frozenset()
    draw: Callable[[], Wires] | None = None

    @cached_property
    def wires(self) -> Wires:
        if self.draw is None:
            return Wires(np.zeros(len(self.synapses) + 1, np.int64), np.zeros(0, np.int32))
        return self.draw()
