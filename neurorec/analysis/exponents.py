"""Lyapunov exponents of a map by the QR method: tangent vectors are carried along an orbit and made orthogonal again; the
exponents are the mean logarithms of their growth.

    Q_{t+1} R_{t+1} = J(x_t) Q_t;   lambda_i = mean of log R_ii / dt
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Carry = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  #: state x [N] and tangents Q [N, K] to the next x and J(x) Q


@dataclass(frozen=True)
class Exponents:
    """In descending order; `course` is the running mean of the largest one after each orthogonalisation."""

    values: list[float]
    course: list[float]

    @property
    def dimension(self) -> float:
        """The Kaplan-Yorke dimension: how many exponents, with a fraction, sum to zero; NaN if too few are known."""
        total = 0.0
        for n, value in enumerate(self.values):
            if total + value < 0:
                return n + total / -value
            total += value
        return math.nan

    @property
    def entropy(self) -> float:
        """The sum of the positive exponents (Pesin): an upper bound of the rate at which the dynamics produce information."""
        return sum(value for value in self.values if value > 0)


def exponents(
    carry: Carry, x: Tensor, count: int, steps: int, *, before: int, every: int, dt: float, generator: torch.Generator
) -> Exponents:
    """The `count` largest exponents over `steps` steps of length `dt`.

    Parameters
    ----------
    before : steps of the orbit and of the tangents that are run first and not counted
    every : steps between orthogonalisations
    """
    Q = torch.linalg.qr(torch.randn(len(x), count, generator=generator, dtype=x.dtype))[0]
    sums, course = torch.zeros(count, dtype=x.dtype), []
    for t in range(1, before + steps + 1):
        x, Q = carry(x, Q)
        if t % every == 0 or t in (before, before + steps):
            Q, R = torch.linalg.qr(Q)
            if t > before:
                sums += R.diagonal().abs().log()
                course.append(float(sums.max()) / ((t - before) * dt))
    found = sorted((sums / (steps * dt)).tolist(), reverse=True)
    return Exponents(found, course)
