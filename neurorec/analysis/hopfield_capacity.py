"""How many random patterns a Hopfield network holds: overlaps after recall, against the number of patterns per unit."""

from typing import Annotated, Literal

import torch
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, Probability, Repeats
from neurorec.basics.seeds import torch_generator
from neurorec.learning.rule import rules
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.model import EnergyModelCard, Relaxed
from neurorec.tasks.batch import Batch

LOST = 0.85  #: overlap that recall has in theory neither below the critical load nor above it
SHOWN = 5  #: cues whose energies are drawn


class HopfieldCapacityCard(Card):
    size: Annotated[int, Field(ge=2, le=20_000)]
    loads: Annotated[Distinct[Annotated[float, Field(gt=0, le=2)]], Field(min_length=2)]  #: patterns per unit
    rule: Literal["hebbian", "pseudo_inverse"]
    flipped: Probability  #: share of each cue's units that are flipped
    cues: Annotated[int, Field(ge=1, le=10_000)]
    max_sweeps: Repeats


@analyses.register("hopfield_capacity")
class HopfieldCapacity(Analysis):
    """Patterns of independent units are stored, and recalled from themselves or from cues with flipped units.

    With Hebb's rule and infinitely many units, the overlap falls abruptly from 0.97 at 0.138 patterns per unit (Amit,
    Gutfreund & Sompolinsky 1985). `critical load` is where the mean overlap falls through 0.85, interpolated.
    """

    about = (
        "Overlap of recalled and stored random patterns in a Hopfield network, against the number of patterns per unit"
    )
    sources = ("hopfield1982", "amit1985", "personnaz1985")
    Settings = HopfieldCapacityCard
    example = {  # noqa: RUF012
        "size": 50, "loads": [0.05, 0.4], "rule": "hebbian", "flipped": 0.0, "cues": 5, "max_sweeps": 20,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "overlap at the lowest load": Value("mean over cues: 1 if every unit is right", higher_is_better=True),
        "overlap at the highest load": Value("mean over cues"),
        "critical load": Value("patterns per unit at which the mean overlap falls through 0.85", higher_is_better=True),
        "steepest fall": Value("loss of overlap between neighbouring loads, per pattern and unit"),
        "largest rise of energy": Value("in any sweep of any cue", higher_is_better=False),
    }

    def run(self, settings: HopfieldCapacityCard, seed: int) -> Found:
        loads = sorted(settings.loads)
        seen = [_recall(settings, load, seed) for load in loads]
        overlaps = [float((relaxed.states * patterns).mean()) for relaxed, patterns in seen]
        falls = [(a - b) / (y - x) for a, b, x, y in zip(overlaps, overlaps[1:], loads, loads[1:], strict=False)]
        values = {
            "overlap at the lowest load": overlaps[0],
            "overlap at the highest load": overlaps[-1],
            "critical load": falls_through(loads, overlaps, LOST),
            "steepest fall": max(falls),
            "largest rise of energy": max(float(relaxed.energies.diff(dim=0).max()) for relaxed, _ in seen),
        }
        cue = 1 - 2 * round(settings.flipped * settings.size) / settings.size
        falling = seen[-1][0].energies[:, :SHOWN] / settings.size
        critical = values["critical load"]
        figures = (
            Curves(
                f"Recall by {settings.size} units, {rules[settings.rule].title}",
                f"The mean overlap falls through {LOST} at {critical:.3f} patterns per unit." if critical == critical
                else f"The mean overlap does not fall through {LOST} for good.",
                "patterns per unit", "overlap with the stored pattern",
                {"after recall": series(loads, overlaps), "the cue": series(loads, [cue] * len(loads))}, level=1.0,
            ),
            Curves(
                f"Energy of {settings.size} units during recall",
                f"{loads[-1]:g} patterns per unit. No sweep raises the energy.", "sweeps", "energy per unit",
                {f"cue {n + 1}": series(range(len(falling)), falling[:, n]) for n in range(falling.shape[1])},
            ),
        )  # fmt: skip
        of_cue = ("the cue itself", cue)
        return Found(values, figures, {"overlap at the lowest load": of_cue, "overlap at the highest load": of_cue})


def _recall(settings: HopfieldCapacityCard, load: float, seed: int) -> tuple[Relaxed, torch.Tensor]:
    """What cues settle in, and the patterns [cues, N] that belong to them. Fewer patterns than cues are each cued once."""
    N, generator = settings.size, torch_generator(seed, f"hopfield_capacity {settings.size} {load:g}")
    count = max(1, round(load * N))
    patterns = 2.0 * torch.randint(2, (count, N), generator=generator, dtype=torch.float64) - 1
    model = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=settings.max_sweeps), N).double()
    rule = rules[settings.rule]
    card = rule.Card(rule=settings.rule, task="", epochs=1, batch_size=count)
    rule(card).step(model, None, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
    wanted = patterns[: settings.cues]
    flipped = torch.rand(wanted.shape, generator=generator).argsort(1) < round(settings.flipped * N)
    return model.relax(torch.where(flipped, -wanted, wanted), generator), wanted


def falls_through(x: list[float], y: list[float], level: float) -> float:
    """Where y, interpolated, last falls through `level`; NaN if it does not, or ends above it."""
    n = next((n for n in range(len(y) - 1, 0, -1) if y[n] < level <= y[n - 1]), 0)
    if n == 0 or y[-1] >= level:
        return float("nan")
    return x[n - 1] + (y[n - 1] - level) * (x[n] - x[n - 1]) / (y[n - 1] - y[n])
