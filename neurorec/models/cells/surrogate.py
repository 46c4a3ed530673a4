"""Spike functions: a step function forward, a smooth surrogate of its derivative backward.

Forward: z = 1 if x > 0 else 0, with x = v - threshold. Backward: dz/dx is replaced by a surrogate whose steepness
is `slope` (1 / voltage unit), stated in every card. The surrogate belongs to the spike function, so the same rule `bptt`
trains rate and spiking halves.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

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
    @staticmethod
    def forward(ctx, x: Tensor, function: SpikeFunction) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        ctx.function = function
        return (x > 0).to(x.dtype)

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
