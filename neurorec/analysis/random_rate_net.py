"""The random rate network of Sompolinsky, Crisanti and Sommers (1988): its flow, and its Lyapunov spectrum."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.exponents import Exponents, exponents
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Gain
from neurorec.basics.seeds import torch_generator

EVERY = 5  #: steps between orthogonalisations
TIME = "time (in units of the units' time constant)"


class RandomRateNetSettings(Card):
    size: Annotated[int, Field(ge=2, le=2000)]  #: units
    gain: Gain  #: standard deviation of the weights times the square root of the number of units
    time: Annotated[float, Field(gt=0, le=1e5)]  #: over which exponents are measured, in time constants
    before: Annotated[float, Field(ge=0, le=1e5)]  #: not measured
    dt: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    exponents: Annotated[int, Field(ge=1, le=2000)] = 1  #: how many; those of all units need `size`


class RandomRateNet:
    """dh/dt = -h + W tanh(h), with W_ij normal with variance gain^2 / N, and W_ii = 0. The state and its tangents take the same
    steps of Runge-Kutta order 4."""

    def __init__(self, size: int, gain: float, dt: float, seed: int) -> None:
        generator = torch_generator(seed, f"random rate net {size}")
        self.w = torch.randn(size, size, generator=generator, dtype=torch.float64) * gain / size**0.5
        self.w.fill_diagonal_(0.0)
        self.start = torch.randn(size, generator=generator, dtype=torch.float64)
        self.dt, self.generator = dt, generator

    def slope(self, h: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        """dh/dt and dQ/dt."""
        rate = torch.tanh(h)
        return self.w @ rate - h, self.w @ ((1 - rate**2)[:, None] * Q) - Q

    def carry(self, h: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        dt = self.dt
        a, A = self.slope(h, Q)
        b, B = self.slope(h + dt / 2 * a, Q + dt / 2 * A)
        c, C = self.slope(h + dt / 2 * b, Q + dt / 2 * B)
        d, D = self.slope(h + dt * c, Q + dt * C)
        return h + dt / 6 * (a + 2 * b + 2 * c + d), Q + dt / 6 * (A + 2 * B + 2 * C + D)

    def measure(self, count: int, time: float, before: float) -> Exponents:
        steps, skipped = round(time / self.dt), round(before / self.dt)
        return exponents(
            self.carry, self.start, count, steps, before=skipped, every=EVERY, dt=self.dt, generator=self.generator
        )[0]


@analyses.register("random_rate_net")
class RandomRateNetExponents(Analysis):
    """Lyapunov exponents of the random rate network, by the QR method."""

    about = "Lyapunov exponents of a random rate network, which is silent at low gain and chaotic at high gain"
    sources = ("sompolinsky1988",)
    Settings = RandomRateNetSettings
    example = {"size": 20, "gain": 2.0, "time": 10.0, "before": 2.0, "exponents": 20}  # noqa: RUF012
    gives = {"largest exponent": Value("growth rate of small perturbations", "1/time constant")}  # noqa: RUF012

    def run(self, settings: RandomRateNetSettings, seed: int) -> Found:
        net = RandomRateNet(settings.size, settings.gain, settings.dt, seed)
        found = net.measure(min(settings.exponents, settings.size), settings.time, settings.before)
        times = [settings.dt * EVERY * (n + 1) for n in range(len(found.course))]
        course = Curves(
            "Convergence of the largest exponent", f"It ends at {found.values[0]:.3f}.", TIME, "mean growth rate",
            {"running mean": series(times, found.course)}, level=0.0,
        )  # fmt: skip
        return Found({"largest exponent": found.values[0]}, (course,))
