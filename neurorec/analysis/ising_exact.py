"""Exact results for the Ising model on the infinite square lattice (Onsager 1944, Yang 1952), in units of J."""

import math

T_CRITICAL = 2 / math.log(1 + math.sqrt(2))


def spontaneous_magnetisation(temperature: float) -> float:
    """Per spin: (1 - sinh(2/T)^-4)^(1/8) below the critical temperature, 0 above."""
    if temperature >= T_CRITICAL:
        return 0.0
    return (1 - math.sinh(2 / temperature) ** -4) ** 0.125


def internal_energy(temperature: float) -> float:
    """Per spin: -coth(2K) (1 + 2/pi (2 tanh(2K)^2 - 1) K1(k)), K = 1/T, with K1 the complete elliptic integral of the first
    kind and modulus k = 2 sinh(2K) / cosh(2K)^2."""
    from scipy.special import ellipkm1

    coupling = 2 / temperature
    rest = (2 * math.tanh(coupling) ** 2 - 1) ** 2  # 1 - k^2, exact near k = 1
    if rest == 0:
        return -1 / math.tanh(coupling)
    factor = 2 / math.pi * (2 * math.tanh(coupling) ** 2 - 1) * float(ellipkm1(rest))
    return -(1 + factor) / math.tanh(coupling)
