"""Activation functions of rate-based units, with their cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

ActivationName = Literal["tanh", "sigmoid", "relu", "linear"]  #: card key


@dataclass(frozen=True)
class Activation:
    """f, applied to each unit's sum."""

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]  #: as a function of f itself
    comparisons: int  #: elementwise operations per unit and step
    nonlinearities: int  #: evaluations of tanh or sigmoid per unit and step
    bounds: tuple[float, float] | None = None  #: that its values approach; None if at least one side has none

    def __call__(self, sums: Tensor) -> Tensor:
        return self.function(sums)


def _unchanged(sums: Tensor) -> Tensor:
    return sums


def _of_tanh(f: Tensor) -> Tensor:
    return 1 - f * f


def _of_sigmoid(f: Tensor) -> Tensor:
    return f * (1 - f)


def _of_relu(f: Tensor) -> Tensor:
    return (f > 0).to(f.dtype)


ACTIVATIONS: dict[ActivationName, Activation] = {
    "tanh": Activation(torch.tanh, _of_tanh, 0, 1, (-1.0, 1.0)),
    "sigmoid": Activation(torch.sigmoid, _of_sigmoid, 0, 1, (0.0, 1.0)),
    "relu": Activation(torch.relu, _of_relu, 1, 0),
    "linear": Activation(_unchanged, torch.ones_like, 0, 0),
}
ACTIVATION_EQUATION = "f = tanh, sigma, max(0, .) or the identity (linear), as the card's activation says"
