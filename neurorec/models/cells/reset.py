"""Reset rules, shared by all spiking cells: what a spike does to its neuron's membrane.

The spike z is detached: no gradient passes through the reset. `u` is the potential before the reset, and `threshold` the
threshold it was compared with: a number or, if thresholds adapt, [B, H].
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
    """A reset rule with the card's v_reset. Calling it returns the potential [B, H] from which the next step starts."""

    v_reset: float
    equation: ClassVar[str]
    clears: ClassVar[bool]  #: whether a spike erases u completely
    elementwise: ClassVar[int]  #: additions and multiplications per neuron and step

    @abstractmethod
    def __call__(self, u: Tensor, z: Tensor, threshold: Any) -> Tensor: ...

    @abstractmethod
    def kept(self, z: Tensor) -> Tensor | float:
        """Share of a small change of u that remains after the reset, for given z."""


@resets.register("zero")
@dataclass(frozen=True)
class Zero(Reset):
    """The potential is overwritten (Norse's `lif_step`; "zero" is v_reset, whatever its value)."""

    equation = "(1 - z_t) u_t + z_t v_reset"
    clears = True
    elementwise = 0  # a spike overwrites u with v_reset; nothing is computed

    def __call__(self, u: Tensor, z: Tensor, threshold: Any) -> Tensor:
        return (1 - z) * u + z * self.v_reset

    def kept(self, z: Tensor) -> Tensor:
        return 1 - z


@resets.register("subtract")
@dataclass(frozen=True)
class Subtract(Reset):
    """Subtracts threshold - v_reset, so that the excess over the threshold is kept. With v_reset = 0 this is snnTorch's
    `subtract` and Norse's `reset_subtract`; Norse's `ada_lif_step` has v_reset too."""

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
"""Card key: the name of a reset rule; there is no default."""

RESET_EQUATIONS = ";   ".join(f'"{name}": v_t = {resets[name].equation}' for name in reversed(list(resets)))
