"""Chaotic systems whose series are predicted: the Mackey-Glass equation and the Lorenz equations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurorec.basics.registry import Registry

Generate = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class ChaoticSystem:
    """A series [steps, D] on the attractor, from a random start."""

    title: str
    exponent: float  #: largest Lyapunov exponent per step, computed in the tests
    generate: Generate
    sources: tuple[str, ...]


systems: Registry[ChaoticSystem] = Registry("chaotic system")

MACKEY_GLASS_DT, DELAY, UNSEEN = 0.1, 17.0, 1000
LORENZ_DT, SUBSTEPS = 0.02, 4


def mackey_glass_step(now: Any, before: Any) -> Any:
    """The value 0.1 later, by Euler's method; `before` is the value 17 units of time earlier."""
    return now + MACKEY_GLASS_DT * (0.2 * before / (1 + before**10) - 0.1 * now)


def mackey_glass(steps: int, generator: np.random.Generator) -> np.ndarray:
    """dy/dt = 0.2 y(t - 17) / (1 + y(t - 17)^10) - 0.1 y, by Euler steps of 0.1, one value per unit of time (Jaeger 2001)."""
    lag, per_step = round(DELAY / MACKEY_GLASS_DT), round(1 / MACKEY_GLASS_DT)
    y = [*(1.2 + 0.2 * (generator.random(lag + 1) - 0.5))]
    for t in range((UNSEEN + steps) * per_step):
        y.append(mackey_glass_step(y[-1], y[t]))
    return np.array(y[-steps * per_step :: per_step])[:, None]


def lorenz_slope(v: np.ndarray) -> np.ndarray:
    """dx/dt = 10 (y - x), dy/dt = x (28 - z) - y, dz/dt = x y - 8/3 z, for v [..., 3]."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], -1)


def lorenz_step(v: np.ndarray) -> np.ndarray:
    """The state 0.02 later, by the fourth-order Runge-Kutta method in four substeps."""
    dt = LORENZ_DT / SUBSTEPS
    for _ in range(SUBSTEPS):
        a = lorenz_slope(v)
        b = lorenz_slope(v + dt / 2 * a)
        c = lorenz_slope(v + dt / 2 * b)
        v = v + dt / 6 * (a + 2 * b + 2 * c + lorenz_slope(v + dt * c))
    return v


def lorenz(steps: int, generator: np.random.Generator) -> np.ndarray:
    v, found = np.array([1.0, 1.0, 25.0]) + generator.random(3), np.empty((steps, 3))
    for _ in range(UNSEEN):
        v = lorenz_step(v)
    for t in range(steps):
        v = found[t] = lorenz_step(v)
    return found


systems.register("mackey_glass_17")(ChaoticSystem("Mackey-Glass, delay 17", 0.0058, mackey_glass, ("mackey1977",)))
systems.register("lorenz")(ChaoticSystem("Lorenz", 0.906 * LORENZ_DT, lorenz, ("lorenz1963",)))
