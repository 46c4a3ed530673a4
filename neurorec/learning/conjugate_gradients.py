"""Conjugate gradients for an inexact Newton step, with the stopping rule of Martens (2010)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

PROGRESS = 5e-4  #: it stops when the quadratic falls by less than this share per iteration,
LEAST, SHARE = 10, 0.1  #: on average over the last max(LEAST, SHARE i) of i iterations
SPACING = 1.3  #: ratio of the iterations whose solutions are kept


class Solution(NamedTuple):
    x: Tensor
    quadratic: float  #: x' A x / 2 - b' x


def conjugate_gradients(product: Callable[[Tensor], Tensor], b: Tensor, start: Tensor, most: int) -> list[Solution]:
    """Solutions of A x = b, better and better: those of iterations 1, 2, 3, 4, 6, 7, 10, 12, ... and the last.

    Parameters
    ----------
    product : v -> A v, for a positive definite A
    b, start : [N]
    most : iterations
    """
    x, kept, values, to_keep = start, [], [], 1.0
    residual = b - product(x) if bool(start.any()) else b.clone()
    direction, square = residual, residual @ residual
    for i in range(1, most + 1):
        image = product(direction)
        curvature = direction @ image
        if not curvature > 0 or not torch.isfinite(curvature):  # nothing but rounding is left
            break
        step = square / curvature
        x, residual = x + step * direction, residual - step * image
        before, square = square, residual @ residual
        values.append(float(-0.5 * (x @ (b + residual))))  # A x = b - r
        window = max(LEAST, int(SHARE * i))
        done = i > window and values[-1] < 0 and values[-1] - values[-1 - window] > window * PROGRESS * values[-1]
        if done or i >= to_keep or i == most or square == 0:
            kept.append(Solution(x, values[-1]))
            to_keep = max(to_keep * SPACING, i + 1)
        if done or square == 0:
            break
        direction = residual + (square / before) * direction
    return kept or [Solution(x, float(-0.5 * (x @ (b + residual))))]
