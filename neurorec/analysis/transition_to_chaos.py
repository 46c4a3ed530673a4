"""The gain above which random rate networks are chaotic."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.random_rate_net import EVERY, RATE, RandomRateNet, RandomRateNetCard, Size
from neurorec.basics.numbers import Distinct, Gain


class AtGains(RandomRateNet):
    """One random network at G gains at once: h and Q are [N, G], a state and a tangent for each gain."""

    def __init__(self, size: int, gains: list[float], seed: int, number: int) -> None:
        super().__init__(size, 1.0, seed, number)
        self.gains = torch.tensor(gains, dtype=torch.float64)

    def slope(self, h: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        rate = torch.tanh(h)
        heard = self.w @ torch.cat([self.gains * rate, self.gains * (1 - rate**2) * Q], 1)
        of_rates, of_tangents = heard.chunk(2, 1)
        return of_rates - h, of_tangents - Q

    def largest(self, card: RandomRateNetCard) -> Tensor:
        """[G]: the mean logarithm of the growth of a tangent, per time constant."""
        before, steps = round(card.before / card.dt), round(card.time / card.dt)
        h = self.start[:, None].repeat(1, len(self.gains))
        Q = torch.randn(h.shape, generator=self.generator, dtype=h.dtype)
        sums = torch.zeros_like(self.gains)
        for t in range(1, before + steps + 1):
            h, Q = self.carry(h, Q, card.dt)
            if t % EVERY == 0 or t in (before, before + steps):
                lengths = Q.norm(dim=0)
                Q = Q / lengths
                sums += lengths.log() if t > before else 0.0
        return sums / (steps * card.dt)

    def at_rest(self) -> Tensor:
        """[G]: the exponent of the silent state h = 0."""
        return self.gains * (super().at_rest() + 1) - 1


class TransitionSettings(RandomRateNetCard):
    size: Size
    gains: Annotated[Distinct[Gain], Field(min_length=2)]
    networks: Annotated[int, Field(ge=1, le=1000)]


@analyses.register("transition_to_chaos")
class TransitionToChaos(Analysis):
    """The largest Lyapunov exponent of random networks, whose weights are scaled to each gain; mean over the networks.

    The transition is where this mean first reaches 1 / `time`, interpolated. A smaller exponent means growth by less than a
    factor of e during the whole measurement, which cannot be told from the 0 of a limit cycle; and single networks may leave
    chaos again at a higher gain.
    """

    about = "The gain above which random rate networks are chaotic: their mean largest Lyapunov exponent"
    sources = ("sompolinsky1988", "benettin1980")
    Settings = TransitionSettings
    example = {"size": 20, "gains": [0.5, 3.0], "networks": 2, "time": 10.0, "before": 2.0, "dt": 0.2}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "gain of the transition": Value("where the mean exponent first reaches 1 / time; none if it does not"),
        "exponent at the highest gain": Value("growth rate of small perturbations, mean over networks", RATE),
        "exponent at the lowest gain": Value("growth rate of small perturbations, mean over networks", RATE),
    }

    def run(self, settings: TransitionSettings, seed: int) -> Found:
        gains = sorted(settings.gains)
        nets = [AtGains(settings.size, gains, seed, n) for n in range(settings.networks)]
        found = torch.stack([net.largest(settings) for net in nets])  # [networks, G]
        mean, rest = found.mean(0).tolist(), torch.stack([net.at_rest() for net in nets]).mean(0).tolist()
        transition = first_reaches(gains, mean, 1 / settings.time)
        figure = Curves(
            f"Largest Lyapunov exponent of {len(nets)} networks of {settings.size} units",
            f"Its mean reaches {1 / settings.time:.2g} at gain {transition:.2f}." if transition == transition
            else f"Its mean does not cross {1 / settings.time:.2g}.",
            "gain", f"exponent ({RATE})",
            {
                "mean": series(gains, mean), "highest": series(gains, found.max(0).values),
                "lowest": series(gains, found.min(0).values), "of the silent state": series(gains, rest),
            }, level=0.0,
        )  # fmt: skip
        values = {
            "gain of the transition": transition, "exponent at the highest gain": mean[-1],
            "exponent at the lowest gain": mean[0],
        }  # fmt: skip
        baselines = {
            "gain of the transition": ("mean field, infinitely many units", 1.0),
            "exponent at the highest gain": ("of the silent state", rest[-1]),
            "exponent at the lowest gain": ("of the silent state", rest[0]),
        }
        return Found(values, (figure,), baselines)


def first_reaches(x: list[float], y: list[float], level: float) -> float:
    """Where y, interpolated, first reaches `level` from below; NaN if it starts above it or never does."""
    n = next((n for n in range(len(y)) if y[n] >= level), 0)
    if n == 0:
        return float("nan")
    return x[n - 1] + (level - y[n - 1]) * (x[n] - x[n - 1]) / (y[n] - y[n - 1])
