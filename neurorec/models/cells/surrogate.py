"""Spike functions: a step function forward, a smooth surrogate of its derivative backward.

Forward: z = 1 if x > 0 else 0, with x = v - threshold. Backward: dz/dx is replaced by a surrogate whose steepness
is `slope` (1 / voltage unit), stated in every card. The surrogate belongs to the spike function, so the same rules train rate
and spiking halves.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neurorec.basics.registry import Registry

surrogates: Registry[type["SpikeFunction"]] = Registry("surrogate")


@dataclass(frozen=True)
class SpikeFunction(ABC):
    """A spike function with a stated surrogate slope. Calling it maps x [...] to spikes 0/1 of the same shape and type."""

    slope: float

    @abstractmethod
    def derivative(self, x: Tensor) -> Tensor:
        """The surrogate of dz/dx, elementwise."""

    def __call__(self, x: Tensor) -> Tensor:
        return _Spike.apply(x, self)  # type: ignore[no-any-return]


class _Spike(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, function: SpikeFunction) -> Tensor:  # type: ignore[override]
        return (x > 0).to(x.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:  # type: ignore[override]
        x, ctx.function = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return gradient * ctx.function.derivative(x), None


@surrogates.register("superspike")
@dataclass(frozen=True)
class SuperSpike(SpikeFunction):
    """dz/dx = 1 / (slope |x| + 1)^2 (Zenke & Ganguli 2018)."""

    def derivative(self, x: Tensor) -> Tensor:
        return (x.abs() * self.slope + 1).pow(-2)


@surrogates.register("triangle")
@dataclass(frozen=True)
class Triangle(SpikeFunction):
    """dz/dx = max(0, 1 - slope |x|): zero beyond |x| = 1/slope, so the backward pass can be sparse (Bellec et al. 2018)."""

    def derivative(self, x: Tensor) -> Tensor:
        return (1 - x.abs() * self.slope).clamp_min(0)


@surrogates.register("arctan")
@dataclass(frozen=True)
class Arctan(SpikeFunction):
    """dz/dx = slope / 2 / (1 + (pi/2 slope x)^2), the derivative of arctan(pi/2 slope x) / pi; slope = 2 in Fang et al.
    (2021)."""

    def derivative(self, x: Tensor) -> Tensor:
        return (self.slope / 2) / ((x * (math.pi / 2 * self.slope)).square() + 1)


@surrogates.register("sigmoid")
@dataclass(frozen=True)
class Sigmoid(SpikeFunction):
    """dz/dx = slope s (1 - s), with s = 1 / (1 + exp(-slope x)): the derivative of s. One of those compared by Zenke &
    Vogels (2021)."""

    def derivative(self, x: Tensor) -> Tensor:
        small = (x.abs() * -self.slope).exp()  # of both sides, so that nothing overflows
        return small * self.slope * (small + 1).pow(-2)


@surrogates.register("multi_gaussian")
@dataclass(frozen=True)
class MultiGaussian(SpikeFunction):
    """dz/dx = (1 + h) N(x; 0, s) - h N(x; s, 6 s) - h N(x; -s, 6 s): a Gaussian density of width s = 1 / slope with shallow
    negative sides, h = 0.15 (Yin et al. 2021; there slope = 2, and the authors' program halves the result)."""

    height: ClassVar[float] = 0.15
    wider: ClassVar[float] = 6.0

    def derivative(self, x: Tensor) -> Tensor:
        v = x * self.slope
        sides = self._bell(v - 1, self.wider) + self._bell(v + 1, self.wider)
        return self._bell(v, 1.0) * (1 + self.height) - sides * self.height

    def _bell(self, v: Tensor, width: float) -> Tensor:
        """The normal density of this width at v, in units of 1 / slope."""
        return (v.square() * (-0.5 / width**2)).exp() * (self.slope / (width * math.sqrt(2 * math.pi)))
