"""Time constants: given by the card, or learned together with the weights, one per neuron.

Forward Euler changes a state at the rate dt/tau per step. A learned rate is sigmoid(a) with a free parameter a [H], so that
dt <= tau for any a: the parametrisation of Fang et al. (2021), who learn one value per layer; Perez-Nieves et al. (2021) learn
one per neuron. Training starts from the card's tau.
"""

import math

import torch
from torch import Tensor, nn

LEARNED_SOURCES = ("fang2021", "perez_nieves2021")
LEARNED_EQUATION = "where time constants are learned, dt/tau = sigmoid(a), with one a per neuron and time constant"


class TimeConstant(nn.Module):
    """One of a cell's time constants.

    Attributes
    ----------
    logit : the free parameter a [H], or None where tau is fixed
    """

    def __init__(self, dt_ms: float, tau_ms: float, size: int, learned: bool) -> None:
        super().__init__()
        self.dt_ms, self.tau_ms = dt_ms, tau_ms
        start = -math.log(tau_ms / dt_ms - 1) if learned else 0.0
        self.logit = nn.Parameter(torch.full((size,), start)) if learned else None

    def extra_repr(self) -> str:
        return f"{self.tau_ms:g} ms" + (", learned from this value" if self.logit is not None else "")

    @property
    def rate(self) -> float | Tensor:
        """dt / tau: a number, or [H] where it is learned."""
        return self.dt_ms * (1.0 / self.tau_ms) if self.logit is None else self.logit.sigmoid()

    @property
    def ms(self) -> Tensor:
        """tau in ms, [H] if it is learned, [1] otherwise; in double precision."""
        if self.logit is None:
            return torch.tensor([self.tau_ms], dtype=torch.float64)
        return self.dt_ms / self.logit.detach().sigmoid().double()
