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

    def __str__(self) -> str:
        return f"the weights of the {self.wire} are fixed"


@dataclass(frozen=True)
class Signed:
    """The weights of `wire` are never of the other sign."""

    wire: Wire
    sign: Sign

    def __str__(self) -> str:
        return f"the weights of the {self.wire} are {self.sign}"


@dataclass(frozen=True)
class Dale:
    """The first `excitatory_share` of the units of `layer` only excite, the others only inhibit, through all wires and the
    layer's own recurrence."""

    layer: str
    excitatory_share: float

    def __str__(self) -> str:
        return f"{self.excitatory_share:g} of the units of {self.layer} only excite, the others only inhibit"


@dataclass(frozen=True)
class Tied:
    """The weights of `wire` are those of `owner`."""

    wire: Wire
    owner: Wire

    def __str__(self) -> str:
        return f"the weights of the {self.wire} are those of the {self.owner}"


@dataclass(frozen=True)
class SameWeights:
    """All numbers of `layer` (weights, biases, time constants) are those of `owner`."""

    layer: str
    owner: str

    def __str__(self) -> str:
        return f"the weights of {self.layer} are those of {self.owner}"


Constraint = Fixed | Signed | Dale | Tied | SameWeights
