"""A NIR graph before it is validated: names, kinds, values and edges as they came, from a file or from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neurorec.basics.errors import InputError

STATEFUL = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Delay")
STATELESS = ("Input", "Output", "Affine", "Linear", "Scale", "Flatten", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")
SPIKING = ("IF", "LIF", "CubaLIF", "Threshold")
KINDS = (*STATEFUL, *STATELESS, "Threshold")  #: that the interpreter runs
MOST_LISTED = 20  #: faults in one message
MOST_BYTES = 128 * 2**20  #: of a file's numbers, at no less than 4 bytes each; also of the signals of one time step
MOST_DEPTH = 32  #: of graphs within graphs
Edge = tuple[str, str]


class Unusable(str):
    """Stands for a value that is neither numbers nor one word: what came instead."""


@dataclass(frozen=True)
class PlainNode:
    kind: str
    values: dict[str, Any]  #: parameter -> array, word, None (not given) or `Unusable`
    made: Any = None  #: the `nir` node, if it was in memory


@dataclass(frozen=True)
class PlainGraph:
    nodes: dict[str, PlainNode | PlainGraph]
    edges: list[Edge]
    metadata: dict[str, Any]


def refuse(where: str, faults: Sequence[str]) -> None:
    """Raises `InputError` with all faults in one message, if there are any."""
    if not faults:
        return
    faults = [shown(fault, 2_000) for fault in faults]
    if len(faults) == 1:
        raise InputError(f"{where}: {faults[0]}")
    lines = [f"  {number}. {fault}" for number, fault in enumerate(faults[:MOST_LISTED], 1)]
    if len(faults) > MOST_LISTED:
        lines.append(f"  and {len(faults) - MOST_LISTED} more")
    raise InputError("\n".join([f"{where}: {len(faults)} faults:", *lines]))


def shown(name: object, most: int = 80) -> str:
    """A name from a file, printable on any terminal: control characters escaped, long names cut."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name)[: most + 1])
    return text if len(text) <= most else text[:most] + "..."


def titled(name: str, kind: str) -> str:
    return f'node "{shown(name)}" ({shown(kind)})'
