"""Wires between layers, and the order in which connected layers are run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.reading_ends import Reading
from neurorec.basics.tree import Tree

INPUT = "input"
AS_SENT = "as sent"
Along = Literal["time", "tree", "reading"]
Structure = Tree | Reading  #: of samples, which wires along something else than time follow
#: how networks with wires along something else than time run
NOT_BY_STEPS: dict[Along, str] = {
    "tree": "runs on trees, from the leaves to the root",
    "reading": "first reads and then writes",
}

CARRIED: dict[str, Callable[[Tensor], Tensor]] = {
    AS_SENT: lambda sent: sent,
    "softmax": lambda sent: sent.softmax(-1),
    "sigmoid": torch.sigmoid,
    "winner": lambda sent: torch.nn.functional.one_hot(sent.argmax(-1), sent.shape[-1]).to(sent.dtype),
}


@dataclass(frozen=True)
class Wire:
    """From the layer `source` (or "input") to the layer `target`; `carries` is the function applied to the signal.

    A delayed wire delivers what was sent one step earlier or, along a tree (`models/trees.py`), what the children of the node
    sent, added up. A wire along reading delivers what was sent last while reading (`models/encoder_decoder.py`).
    """

    source: str
    target: str
    delay: int = 0
    carries: str = AS_SENT
    """Or "softmax", "sigmoid" or "winner" (1 for the largest, else 0) of it, for outputs that are fed back as inputs."""
    along: Along = "time"

    @property
    def plain(self) -> bool:
        """Whether it delivers what its source sends, as it is, in the same step."""
        return not self.delay and self.carries == AS_SENT and self.along == "time"

    def carried(self, sent: Tensor) -> Tensor:
        return CARRIED[self.carries](sent)

    def check(self, layers: Iterable[str]) -> None:
        """Raises `InputError` for an unknown layer, delay or function."""
        known = [INPUT, *layers]
        for end in (self.source, self.target):
            if end not in known:
                raise InputError(
                    f'{self}: there is no layer "{end}"{did_you_mean(end, known)}; known: {", ".join(known)}'
                )
        if self.delay not in (0, 1):
            raise InputError(f"{self}: delay must be 0 or 1 (got {self.delay})")
        if self.along not in get_args(Along) or (self.along != "time" and self.delay != (self.along == "tree")):
            raise InputError(
                f'{self}: along must be "time", "tree" with delay 1, or "reading" with delay 0 (got "{self.along}", delay '
                f"{self.delay})"
            )
        if self.along != "time" and self.source == INPUT:
            raise InputError(f"{self}: a wire along a {self.along} brings what layers sent, not their input")
        if self.carries not in CARRIED:
            raise InputError(f'{self}: carries "{self.carries}" is not known; known: {", ".join(CARRIED)}')

    def __str__(self) -> str:
        return f"wire {self.source} -> {self.target}"


def followed_by(wires: Iterable[Wire]) -> Along:
    """What a network with these wires follows. Raises `InputError` if it is more than one of the structures."""
    found: list[Along] = sorted({wire.along for wire in wires if wire.along != "time"})
    if len(found) > 1:
        raise InputError("a network follows trees or reading, not both; remove its wires along one of them")
    return found[0] if found else "time"


def components_of(names: list[str], wires: Iterable[Wire]) -> tuple[tuple[str, ...], ...]:
    """Strongly connected components, each after everything that it hears; within one, layers are in the order of a step.

    Raises
    ------
    InputError
        If layers form a loop without a delay.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    between = [wire for wire in wires if wire.source != INPUT]
    place = {name: k for k, name in enumerate(names)}
    ends = [place[wire.source] for wire in between], [place[wire.target] for wire in between]
    _, labels = connected_components(csr_array((np.ones(len(between)), ends), (len(names),) * 2), connection="strong")
    first = dict(reversed(list(zip(labels.tolist(), names, strict=True))))
    leader = {name: first[labels[place[name]]] for name in names}
    order: TopologicalSorter[str] = TopologicalSorter({leader[name]: [] for name in names})
    at_once: TopologicalSorter[str] = TopologicalSorter({name: [] for name in names})
    for wire in between:
        if leader[wire.source] != leader[wire.target]:
            order.add(leader[wire.target], leader[wire.source])
        if not wire.delay:
            at_once.add(wire.target, wire.source)
    try:
        steps = list(at_once.static_order())
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        raise InputError(f"layers form a loop without a delay ({loop}); give one of its wires delay = 1") from None
    return tuple(tuple(name for name in steps if leader[name] == one) for one in order.static_order())
