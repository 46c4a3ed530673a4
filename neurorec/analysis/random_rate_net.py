"""The random rate network of Sompolinsky, Crisanti and Sommers (1988), and its whole Lyapunov spectrum."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.exponents import Exponents, exponents
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, Gain
from neurorec.basics.seeds import torch_generator

EVERY = 5  #: steps between orthogonalisations
RATE = "1/time constant"

Size = Annotated[int, Field(ge=2, le=2000)]


class RandomRateNetCard(Card):
    """Times are in units of the units' time constant."""

    time: Annotated[float, Field(gt=0, le=1e5)]  #: over which exponents are measured
    before: Annotated[float, Field(ge=0, le=1e5)]  #: not measured
    dt: Annotated[float, Field(gt=0, le=0.5)]


class RandomRateNet:
    """dh/dt = -h + W tanh(h), with W_ij normal with variance gain^2 / N, and W_ii = 0. The state and its tangents take the same
    steps of Runge-Kutta order 4. `divergence`: the sum of all slopes dF_i/dh_i, to which all exponents must add up."""

    def __init__(self, size: int, gain: float, seed: int, number: int = 0) -> None:
        self.generator = torch_generator(seed, f"random rate net {size} {number}")
        self.w = torch.randn(size, size, generator=self.generator, dtype=torch.float64) * gain / size**0.5
        self.w.fill_diagonal_(0.0)
        self.start = torch.randn(size, generator=self.generator, dtype=torch.float64)

    @property
    def divergence(self) -> float:
        return float(self.w.diagonal().sum()) - len(self.start)  # W_ii = 0, so it is the same everywhere

    def slope(self, h: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        """dh/dt and dQ/dt."""
        rate = torch.tanh(h)
        return self.w @ rate - h, self.w @ ((1 - rate**2)[:, None] * Q) - Q

    def carry(self, h: Tensor, Q: Tensor, dt: float) -> tuple[Tensor, Tensor]:
        a, A = self.slope(h, Q)
        b, B = self.slope(h + dt / 2 * a, Q + dt / 2 * A)
        c, C = self.slope(h + dt / 2 * b, Q + dt / 2 * B)
        d, D = self.slope(h + dt * c, Q + dt * C)
        return h + dt / 6 * (a + 2 * b + 2 * c + d), Q + dt / 6 * (A + 2 * B + 2 * C + D)

    def measure(self, count: int, card: RandomRateNetCard) -> Exponents:
        dt = card.dt
        return exponents(
            lambda h, Q: self.carry(h, Q, dt), self.start, count, round(card.time / dt), before=round(card.before / dt),
            every=EVERY, dt=dt, generator=self.generator,
        )  # fmt: skip

    def at_rest(self) -> float:
        """The exponent of the silent state h = 0: the largest real part of an eigenvalue of W, minus 1."""
        return float(torch.linalg.eigvals(self.w).real.max()) - 1


class SpectrumSettings(RandomRateNetCard):
    gain: Gain
    sizes: Annotated[Distinct[Size], Field(min_length=1)]


@analyses.register("chaos_spectrum")
class ChaosSpectrum(Analysis):
    """All Lyapunov exponents of random networks of several sizes: of smaller ones, as many networks as together have the units
    of the largest. Per unit, spectrum and attractor dimension should not depend on the size (extensive chaos); the exponents
    must add up to the divergence of the flow, which is -1 per unit."""

    about = (
        "The whole Lyapunov spectrum of random rate networks of several sizes, and the dimension of their attractors"
    )
    sources = ("engelken2023", "sompolinsky1988", "benettin1980")
    Settings = SpectrumSettings
    example = {"gain": 4.0, "sizes": [10, 20], "time": 10.0, "before": 2.0, "dt": 0.1}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "dimension per unit": Value("Kaplan-Yorke dimension of the attractor of the largest network, per unit"),
        "difference between sizes": Value(
            "largest minus smallest dimension per unit, relative to their mean", "", False
        ),
        "error of the sum": Value(
            "largest relative difference between the sum of all exponents and the divergence", "", False
        ),
        "entropy per unit": Value("sum of the positive exponents of the largest network, per unit", f"nats {RATE}"),
        "largest exponent": Value("of the largest network", RATE),
    }

    def run(self, settings: SpectrumSettings, seed: int) -> Found:
        sizes = sorted(settings.sizes)
        found, shares, errors = {}, [], []
        for size in sizes:
            nets = [RandomRateNet(size, settings.gain, seed, n) for n in range(sizes[-1] // size)]
            found[size] = [net.measure(size, settings) for net in nets]
            shares.append(sum(each.dimension for each in found[size]) / (len(nets) * size))
            errors += [abs(sum(e.values) / net.divergence - 1) for e, net in zip(found[size], nets, strict=True)]
        lines = {
            f"{size} units": series([(n + 0.5) / size for n in range(size)], each[0].values)
            for size, each in found.items()
        }
        said = ", ".join(f"{share:.3f} for {size} units" for share, size in zip(shares, sizes, strict=True))
        (largest,) = found[sizes[-1]]
        figure = Curves(
            f"Lyapunov spectrum at gain {settings.gain:g}",
            f"Dimension per unit: {said}.",
            "index / number of units", f"exponent ({RATE})", lines, level=0.0,
        )  # fmt: skip
        values = {
            "dimension per unit": shares[-1],
            "difference between sizes": (max(shares) - min(shares)) / (sum(shares) / len(shares)),
            "error of the sum": max(errors),
            "entropy per unit": largest.entropy / sizes[-1],
            "largest exponent": largest.values[0],
        }
        return Found(values, (figure,))
