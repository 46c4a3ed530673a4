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
    comparisons: int  #: elementwise operations per unit and step
    nonlinearities: int  #: evaluations of tanh or sigmoid per unit and step
    bounds: tuple[float, float] | None = None  #: that its values approach; None if at least one side has none

    def __call__(self, sums: Tensor) -> Tensor:
        return self.function(sums)


def _unchanged(sums: Tensor) -> Tensor:
    return sums


ACTIVATIONS: dict[ActivationName, Activation] = {
    "tanh": Activation(torch.tanh, 0, 1, (-1.0, 1.0)),
    "sigmoid": Activation(torch.sigmoid, 0, 1, (0.0, 1.0)),
    "relu": Activation(torch.relu, 1, 0),
    "linear": Activation(_unchanged, 0, 0),
}
ACTIVATION_EQUATION = "f = tanh, sigma, max(0, .) or the identity (linear), as the card's activation says"
