"""Synapses whose strength depends on the recent spikes of their source: depression and facilitation (Markram, Wang and
Tsodyks 1998)."""

import torch
from torch import Tensor, nn

RELEASED = (
    "u_t = U + (1 - U) F_{t-1} e^(-dt/tau_facil);   R'_t = 1 - (1 - R_{t-1}) e^(-dt/tau_rec);   a_t = z_t u_t R'_t;\n"
    "F_t = u_t if z_t, else F_{t-1} e^(-dt/tau_facil);   R_t = R'_t - a_t"
)
ELEMENTWISE = 9  #: additions and multiplications per step: 2 for u and 1 for F's decay, 3 for R', 2 for a, 1 for R


class DynamicSynapse(nn.Module):
    """What H neurons send to targets of one type: a spike delivers the share a = u R of the strength of each synapse.

    A spike uses the share u of the resources R that are left; R recovers to 1. Spikes raise u above U, to which it returns.
    All synapses of one neuron onto targets of one type have the same U and time constants, so that two numbers per neuron, F
    and R, suffice. At rest F = 0 and R = 1.
    """

    def __init__(self, size: int, dt_ms: float) -> None:
        super().__init__()
        self.dt_ms = dt_ms
        self.use, self.depression_ms, self.facilitation_ms = (
            nn.Parameter(torch.ones(size), requires_grad=False) for _ in range(3)
        )

    def release(self, z: Tensor, facilitation: Tensor, resources: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What spikes z [B, H] deliver, a [B, H], and the next F and R."""
        left = facilitation * torch.exp(-self.dt_ms / self.facilitation_ms)
        recovered = 1 - (1 - resources) * torch.exp(-self.dt_ms / self.depression_ms)
        u = self.use + (1 - self.use) * left
        sent = z * u * recovered
        return sent, torch.where(z > 0, u, left), recovered - sent
