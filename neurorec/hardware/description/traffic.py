"""Who sends how many spikes to which cores, in a described network whose units have been shared among cores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.hardware.description.card import Description
from neurorec.hardware.description.populations import Population, input_size, input_spikes
from neurorec.hardware.mapping.anneal import Sender

Reached = dict[
    tuple[int, int], tuple[np.ndarray, float]
]  #: (source, population) -> its cores, share that each unit reaches


@dataclass(frozen=True)
class Share:
    """Units [first, past) of population `of` on core `core`."""

    of: int
    core: int
    first: int
    past: int


def senders_of(
    net: Description, populations: list[Population], shares: list[Share], reached: Reached, samples: int
) -> list[Sender]:
    """The input, and every share of a population: its spikes over all samples, and the cores that hear each of them."""
    arriving = input_spikes(net)
    found = [Sender(None, int((arriving or 0) * input_size(net) * samples), _target_cores(-1, 0.0, reached))]
    for share in shares:
        p = populations[share.of]
        spikes = int((p.spikes or 0) * samples * (share.past - share.first))
        found.append(Sender(share.core, spikes, _target_cores(share.of, share.first / p.size, reached)))
    return found


def _target_cores(source: int, position: float, reached: Reached) -> np.ndarray:
    """Cores that the units of `source` at this relative position of it send to, each once."""
    found = [np.zeros(0, dtype=np.int64)]
    for (s, _), (cores, share) in reached.items():
        if s == source:
            n = max(1, round(len(cores) * share))
            start = min(int(position * len(cores) + 0.5), len(cores) - n)
            found.append(cores[start : start + n])
    return np.unique(np.concatenate(found))
