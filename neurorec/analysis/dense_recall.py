"""How many random patterns a dense associative memory recalls in one update of every unit."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, Probability
from neurorec.basics.seeds import torch_generator
from neurorec.models.energy.dense_hopfield import EXPONENTIAL, DenseHopfield, DenseHopfieldCard, Power

ENOUGH = 0.99  #: share of patterns


class DenseRecallCard(Card):
    size: Annotated[int, Field(ge=2, le=1000)]
    patterns: Distinct[Annotated[int, Field(ge=1, le=10**6)]]
    power: Power
    flipped: Probability
    cues: Annotated[int, Field(ge=1, le=10_000)]


@analyses.register("dense_recall")
class DenseRecall(Analysis):
    """All units are updated once, at the same time, from cues with flipped units; a pattern is recalled if no unit is wrong."""

    about = "Share of random patterns that a dense associative memory recalls in one update"
    sources = ("krotov2016", "demircigil2017")
    Settings = DenseRecallCard
    example = {"size": 16, "patterns": [3, 30], "power": "exponential", "flipped": 0.1, "cues": 10}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "share recalled": Value("of the cues, with the most patterns", higher_is_better=True),
        "most patterns recalled": Value("highest number of patterns of which 99 % are recalled", higher_is_better=True),
    }  # fmt: skip

    def run(self, settings: DenseRecallCard, seed: int) -> Found:
        counts = sorted(settings.patterns)
        shares = [recalled(settings, settings.power, count, seed) for count in counts]
        classical = [recalled(settings, 2, count, seed) for count in counts]
        most, most_classical = _most(counts, shares), _most(counts, classical)
        name = "exponential energy" if settings.power == EXPONENTIAL else f"power {settings.power}"
        figure = Curves(
            f"Patterns recalled by {settings.size} units, {name}",
            f"{settings.flipped:.0%} of the units of each cue are flipped. At most {most:g} patterns are recalled.",
            "stored patterns", "share recalled without an error",
            {name: series(counts, shares), "power 2 (Hebbian weights)": series(counts, classical)}, log_x=True,
        )  # fmt: skip
        baselines = {
            "share recalled": ("Hebbian weights", classical[-1]),
            "most patterns recalled": ("Hebbian weights", most_classical),
        }
        return Found({"share recalled": shares[-1], "most patterns recalled": most}, (figure,), baselines)


def recalled(settings: DenseRecallCard, power: Power, count: int, seed: int) -> float:
    """The share of cues from which the pattern is recalled without an error."""
    N, generator = settings.size, torch_generator(seed, f"dense_recall {settings.size} {count}")
    patterns = 2.0 * torch.randint(2, (count, N), generator=generator, dtype=torch.float64) - 1
    card = DenseHopfieldCard(name="dense_hopfield", max_sweeps=1, patterns=count, power=power)
    model = DenseHopfield(card, N).double()
    model.load_state_dict({"memory": patterns})
    wanted = patterns[: settings.cues]
    flipped = torch.rand(wanted.shape, generator=generator).argsort(1) < round(settings.flipped * N)
    return float((at_once(model, torch.where(flipped, -wanted, wanted)) == wanted).all(1).double().mean())


@torch.no_grad()
def at_once(model: DenseHopfield, states: Tensor) -> Tensor:
    """Every unit updated from the same states [B, N]."""
    unused = torch.Generator()
    return torch.stack([model.update(states, unit, unused)[:, unit] for unit in range(model.size)], 1)


def _most(counts: list[int], shares: list[float]) -> float:
    return float(max((count for count, share in zip(counts, shares, strict=True) if share >= ENOUGH), default=0))
