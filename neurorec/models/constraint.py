"""Constraints on weights: fixed, of one sign (Dale's law), or tied to others. `constraints.py` keeps them."""

from dataclasses import dataclass
from typing import Literal

from neurorec.models.wires import Wire

Sign = Literal["positive", "negative"]
FACTORS: dict[Sign, float] = {"positive": 1.0, "negative": -1.0}


@dataclass(frozen=True)
class Fixed:
    """The weights of `wire` are not trained."""

    wire: Wire


@dataclass(frozen=True)
class Signed:
    """The weights of `wire` are never of the other sign."""

    wire: Wire
    sign: Sign


@dataclass(frozen=True)
class Dale:
    """The first `excitatory_share` of the units of `layer` only excite, the others only inhibit, through all wires and the
    layer's own recurrence."""

    layer: str
    excitatory_share: float


@dataclass(frozen=True)
class Tied:
    """The weights of `wire` are those of `owner`."""

    wire: Wire
    owner: Wire


@dataclass(frozen=True)
class SameWeights:
    """All numbers of `layer` (weights, biases, time constants) are those of `owner`."""

    layer: str
    owner: str


Constraint = Fixed | Signed | Dale | Tied | SameWeights
