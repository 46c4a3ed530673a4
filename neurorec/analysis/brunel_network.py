"""Brunel's (2000) model A: sparsely connected excitatory and inhibitory LIF neurons with delta synapses and one delay.

    tau dV/dt = -V + tau J sum of spikes;   V > theta: V = V_r, and nothing arrives for tau_rp

Every neuron receives C_E = N_E / 10 excitatory synapses of J, C_I = C_E / 4 inhibitory ones of -g J, and C_E external Poisson
sources of rate nu_ext = eta nu_thr, where nu_thr = theta / (J C_E tau) would bring the mean potential to the threshold. Delta
synapses are those of the network's theory, a fixed point of the rate.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neurorec.engines.event_models import NEURONS, neurons, synapses
from neurorec.engines.event_network import EventNetwork, PoissonDrive

TAU_MS, THETA_MV, RESET_MV, REFRACTORY_MS, DELAY_MS, DT_MS = 20.0, 20.0, 10.0, 2.0, 1.5, 0.1
FULL_SIZE, FULL_J_MV = 12_500, 0.1
FAR = -15.0  #: in units of the fluctuation; below it, integrals are replaced by their limits


@dataclass(frozen=True)
class BrunelNetwork:
    """A network of `size` neurons, four in five of them excitatory. A smaller one than Brunel's has stronger synapses, so that
    J C_E, and with it the mean input, is the same; the fluctuations are larger."""

    g: float  #: inhibitory over excitatory strength
    eta: float  #: nu_ext / nu_thr
    size: int = FULL_SIZE

    @property
    def excitatory(self) -> int:
        return self.size * 4 // 5

    @property
    def incoming(self) -> tuple[int, int]:
        """C_E and C_I."""
        return self.excitatory // 10, self.excitatory // 40

    @property
    def J_mV(self) -> float:
        return FULL_J_MV * FULL_SIZE / self.size

    @property
    def external_Hz(self) -> float:
        """Rate of all external spikes of one neuron, C_E nu_ext."""
        return self.eta * THETA_MV / (self.J_mV * TAU_MS) * 1000.0

    def event_network(self, random: np.random.Generator) -> EventNetwork:
        model, projections = NEURONS["lif"], {}
        C_E, C_I = self.incoming
        ends = {
            "excitation": (0, self.excitatory, C_E, self.J_mV),
            "inhibition": (self.excitatory, self.size, C_I, -self.g * self.J_mV),
        }
        for name, (first, last, incoming, weight) in ends.items():
            pre = random.integers(first, last, (self.size, incoming), dtype=np.int32).ravel()
            post = np.repeat(np.arange(self.size, dtype=np.int32), incoming)
            weights = np.full(len(pre), weight, np.float32)
            projections[name] = synapses("neurons", "neurons", weights, model, pre=pre, post=post, delay_ms=DELAY_MS)
        population = neurons(
            self.size, model, refractory_ms=REFRACTORY_MS, drives=(PoissonDrive("v", self.J_mV, self.external_Hz),)
        )
        numbers = {"v_rest": 0.0, "v_threshold": THETA_MV, "v_reset": RESET_MV}
        return EventNetwork(DT_MS, {"neurons": population}, projections, {"tau_mem": TAU_MS}, numbers)

    def input_mV(self, rate_Hz: float) -> tuple[float, float]:
        """Mean mu and fluctuation sigma of a neuron's input while all neurons fire at this rate: mu = J tau sum of C nu, with g
        for inhibition, and sigma^2 = J^2 tau sum of C nu, with g^2."""
        C_E, C_I = self.incoming
        J, tau_s = self.J_mV, TAU_MS / 1000.0
        mean = J * tau_s * (self.external_Hz + rate_Hz * (C_E - self.g * C_I))
        variance = J**2 * tau_s * (self.external_Hz + rate_Hz * (C_E + self.g**2 * C_I))
        return mean, variance**0.5

    def theory_Hz(self) -> float:
        """The stationary rate of the diffusion approximation: the fixed point nu = Siegert(mu(nu), sigma(nu)); the lowest, if
        there are several."""

        def excess(nu: float) -> float:
            return siegert_Hz(*self.input_mV(nu)) - nu

        grid = [0.0, *np.geomspace(1e-3, 1000.0 / REFRACTORY_MS, 400)]
        low, high = next((low, high) for low, high in pairwise(grid) if excess(low) > 0 >= excess(high))
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return float(high)


def siegert_Hz(mean_mV: float, spread_mV: float) -> float:
    """The rate of a LIF neuron with mean input mu and white noise sigma:

    1 / nu = tau_rp + tau sqrt(pi) int from (V_r - mu) / sigma to (theta - mu) / sigma of exp(u^2) (1 + erf u) du
    """
    from scipy.integrate import quad
    from scipy.special import erfcx

    low, high = (RESET_MV - mean_mV) / spread_mV, (THETA_MV - mean_mV) / spread_mV
    if high > 25:
        return 0.0  # below 10^-200 Hz
    integral, _ = quad(lambda u: erfcx(-u), low, high)  # exp(u^2) (1 + erf u) = erfcx(-u)
    return 1000.0 / (REFRACTORY_MS + TAU_MS * np.sqrt(np.pi) * integral)


def irregularity_of(mean_mV: float, spread_mV: float) -> float:
    """Coefficient of variation of the intervals of that neuron:

    CV^2 = 2 pi nu^2 tau^2 int from (V_r - mu) / sigma to (theta - mu) / sigma of dx exp(x^2)
           int from -infinity to x of dy exp(y^2) (1 + erf y)^2
    """
    from scipy.special import erfcx

    low, high = (RESET_MV - mean_mV) / spread_mV, (THETA_MV - mean_mV) / spread_mV
    if high > 25:
        return 1.0
    double = 0.0
    if low < FAR:  # there the inner integral times exp(x^2) is 1 / (2 pi |x|^3)
        double += (1 / min(high, FAR) ** 2 - 1 / low**2) / (4 * np.pi)
    if high > FAR:
        y, dy = np.linspace(max(low, FAR) - 8.0, high, 40_001, retstep=True)
        inner = erfcx(-y) ** 2 * np.exp(-(y**2))
        summed = np.concatenate([[0.0], np.cumsum(inner[1:] + inner[:-1])]) * dy / 2
        inside = y >= max(low, FAR)
        outer = np.exp(y[inside] ** 2) * summed[inside]
        double += float((outer[1:] + outer[:-1]).sum() * dy / 2)
    return float((2 * np.pi * double) ** 0.5 * siegert_Hz(mean_mV, spread_mV) / 1000.0 * TAU_MS)
