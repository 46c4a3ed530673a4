"""What a spike does to its neuron's membrane: the reset rules that all spiking cells share.

The spike z arrives detached: no gradient goes back through the reset, whichever the rule. `u` is the potential before the
reset and `threshold` what it was compared with, a number or, where thresholds adapt, [B, H].
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry

resets: Registry[type["Reset"]] = Registry("reset")


@dataclass(frozen=True)
class Reset(ABC):
    """A reset rule with the card's v_reset. Calling it gives the potential [B, H] that the next step starts from."""

    v_reset: float
    equation: ClassVar[str]
    clears: ClassVar[bool]  #: whether nothing of u is left after a spike
    elementwise: ClassVar[int]  #: additions and multiplications a neuron and step

    @abstractmethod
    def __call__(self, u: Tensor, z: Tensor, threshold: Any) -> Tensor: ...

    @abstractmethod
    def kept(self, z: Tensor) -> Tensor | float:
        """Share of a small change of u that is still there after the reset, z given."""


@resets.register("zero")
@dataclass(frozen=True)
class Zero(Reset):
    """The potential is overwritten (Norse's `lif_step`; "zero" is v_reset, whatever its value)."""

    equation = "(1 - z_t) u_t + z_t v_reset"
    clears = True
    elementwise = 0  # a spike writes v_reset over u; nothing is worked out

    def __call__(self, u: Tensor, z: Tensor, threshold: Any) -> Tensor:
        return (1 - z) * u + z * self.v_reset

    def kept(self, z: Tensor) -> Tensor:
        return 1 - z


@resets.register("subtract")
@dataclass(frozen=True)
class Subtract(Reset):
    """The way from v_reset to the threshold is taken off, so that what lay above the threshold is kept. With v_reset = 0
    this is snnTorch's `subtract` and Norse's `reset_subtract`; Norse's `ada_lif_step` has v_reset too."""

    equation = "u_t - z_t (threshold - v_reset)"
    clears = False
    elementwise = 1

    def __call__(self, u: Tensor, z: Tensor, threshold: Any) -> Tensor:
        return u - z * (threshold - self.v_reset)

    def kept(self, z: Tensor) -> float:
        return 1.0


def _known(name: str) -> str:
    try:
        resets[name]
    except InputError as error:
        raise ValueError(str(error)) from None
    return name


ResetName = Annotated[str, AfterValidator(_known)]
"""For cards: the name of a reset rule; there is no default."""

RESET_EQUATIONS = ";   ".join(f'"{name}": v_t = {resets[name].equation}' for name in reversed(list(resets)))
