"""The encoder problem: a Boltzmann machine invents codes by which one group of units tells another which of its units is on."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, model_validator

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Picture, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Repeats
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard

TEMPERATURE = 10.0  #: of the machine; weights are whole numbers
GATHERED = 10  #: units of time in which coincidences are counted, at the machine's temperature
SCHEDULE = np.array([20.0] * 2 + [15.0] * 2 + [12.0] * 2 + [TEMPERATURE] * (4 + GATHERED))  #: per unit of time
TURN = np.array(
    [0.05, 0.15]
)  #: probability that clamping turns a unit on that is off in the pattern, and off one that is on
COOLING = np.repeat([20.0, 15.0, 12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 20)  #: of completion


class BoltzmannEncoderCard(Card):
    visible: Annotated[int, Field(ge=2, le=8)]  #: units of each group
    hidden: Annotated[int, Field(ge=1, le=8)]
    annealings: Repeats  #: per pattern and cycle, clamped and free
    step: Annotated[int, Field(ge=1, le=1000)]  #: by which a weight moves per cycle
    cycles: Repeats
    check_every: Repeats  #: cycles
    runs: Annotated[int, Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _fits(self) -> "BoltzmannEncoderCard":
        if self.visible > 2**self.hidden:
            raise ValueError(
                f"{self.visible} patterns need as many codes, but {self.hidden} hidden units have {2**self.hidden}; use more "
                "hidden units"
            )
        if self.cycles % self.check_every:
            raise ValueError(f"cycles must be a multiple of check_every (got {self.cycles} and {self.check_every})")
        return self


@dataclass
class Learned:
    weights: np.ndarray  #: [U, U] the last ones
    recalled: list[int] = field(default_factory=list)  #: patterns, at each check
    annealed: int = 0  #: patterns that annealing completes, at the end


@analyses.register("boltzmann_encoder")
class BoltzmannEncoder(Analysis):
    """Two groups of visible units, connected within but not with each other, and hidden units connected with both (Ackley,
    Hinton & Sejnowski 1985). One unit is on in the first group, and the same one in the second. Learning follows their
    recipe: annealing, noisy clamping, coincidences counted, weights moved by fixed steps. Clamping noise is drawn anew at every
    unit of time: drawn once per annealing, coincidences by chance are too rare, and weights
    grow without end.

    A pattern is recalled if, with the first group set to it, the most probable state of the second group is the pattern,
    by enumeration. A run is solved at the first check at which all patterns are recalled.
    """

    about = "Codes that Boltzmann machines invent for the encoder problem, and how often they find them"
    sources = ("ackley1985",)
    Settings = BoltzmannEncoderCard
    example = {  # noqa: RUF012
        "visible": 2, "hidden": 1, "annealings": 2, "step": 2, "cycles": 40, "check_every": 20, "runs": 2,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "share solved": Value("runs in which all patterns are recalled at some check", higher_is_better=True),
        "cycles to solution": Value("median over the solved runs", "cycles", higher_is_better=False),
        "share solved at the end": Value("runs in which all patterns are recalled after the last cycle",
                                         higher_is_better=True),
        "share recalled at the end": Value("patterns after the last cycle, exactly", higher_is_better=True),
        "share recalled by annealing": Value(
            "patterns after the last cycle, from one slow annealing each, with the first group clamped",
            higher_is_better=True),
    }  # fmt: skip

    def run(self, settings: BoltzmannEncoderCard, seed: int) -> Found:
        v, runs = settings.visible, [_learned(settings, run, seed) for run in range(settings.runs)]
        solved = np.array([[each == v for each in run.recalled] for run in runs])  # [runs, checks]
        firsts = (solved.argmax(1) + 1)[solved.any(1)] * settings.check_every
        values = {
            "share solved": float(solved.any(1).mean()),
            "cycles to solution": float(np.median(firsts)) if len(firsts) else float("nan"),
            "share solved at the end": float(solved[:, -1].mean()),
            "share recalled at the end": float(np.mean([run.recalled[-1] / v for run in runs])),
            "share recalled by annealing": float(np.mean([run.annealed / v for run in runs])),
        }
        guess = ("a guess", 1 / v)
        baselines: dict[str, tuple[str, float]] = {
            "share recalled at the end": guess,
            "share recalled by annealing": guess,
        }
        return Found(values, (_progress(settings, solved), _codes(settings, runs)), baselines)


def connections(visible: int, hidden: int) -> np.ndarray:
    """[U, U] 1 where two units are connected: two visible groups, the hidden units, and one that is always on."""
    group = np.repeat([0, 1, 2, 3], [visible, visible, hidden, 1])
    a, b = np.minimum.outer(group, group), np.maximum.outer(group, group)
    linked = (b == 3) | (a != b) & (b == 2) | (a == b) & (b < 2)
    return (linked & ~np.eye(len(group), dtype=bool)).astype(np.int64)


def machine_of(weights: np.ndarray, visible: int) -> Boltzmann:
    """The model with these weights, for exact probabilities."""
    hidden = len(weights) - 1 - 2 * visible
    card = BoltzmannCard(name="boltzmann", max_sweeps=1, temperature=TEMPERATURE, initial_spread=1.0, hidden=hidden)
    model = Boltzmann(card, 2 * visible).double()
    model.weight.copy_(torch.from_numpy(weights[:-1, :-1]))
    model.bias.copy_(torch.from_numpy(weights[-1, :-1]))
    return model


def recalled(weights: np.ndarray, visible: int) -> int:
    """For how many patterns of the first group the same pattern is the most probable one of the second group."""
    one_hot, model = torch.eye(visible, dtype=torch.float64), machine_of(weights, visible)
    answers = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * visible)
    pairs = torch.cat([one_hot.repeat_interleave(len(answers), 0), answers.repeat(visible, 1)], 1)
    best = model.log_weight(pairs).reshape(visible, -1).argmax(1)
    return int((answers[best] == one_hot).all(1).sum())


def completed(weights: np.ndarray, pattern: np.ndarray, stream: int, number: int) -> tuple[np.ndarray, int]:
    """All units [U] after annealing to a low temperature with the first of them clamped to a pattern, and the next number."""
    states, free = np.ones(len(weights), np.int8), np.arange(len(pattern), len(weights) - 1)
    counts = np.zeros_like(weights)
    settle = load_kernels("annealed_learning").settle
    after = settle(
        states, free, pattern, np.zeros(2), weights, COOLING, np.uint64(stream), np.uint64(number), 0, counts, 0
    )
    return states, int(after)


def _learned(settings: BoltzmannEncoderCard, run: int, seed: int) -> Learned:
    v, kernels = settings.visible, load_kernels("annealed_learning")
    linked, one_hot = connections(v, settings.hidden), np.eye(v, dtype=np.int8)
    stream = numpy_generator(seed, f"boltzmann_encoder {v} {settings.hidden} {run}").integers(2**63, dtype=np.uint64)
    result, number = Learned(np.zeros_like(linked)), 0
    for _ in range(settings.cycles // settings.check_every):
        number = kernels.learn(
            result.weights, linked, np.tile(one_hot, 2), TURN, SCHEDULE, GATHERED, settings.annealings, settings.step,
            settings.check_every, stream, np.uint64(number),
        )  # fmt: skip
        result.recalled.append(recalled(result.weights, v))
    for pattern in one_hot:
        states, number = completed(result.weights, pattern, int(stream), int(number))
        result.annealed += int((states[v : 2 * v] == pattern).all())
    return result


def _progress(settings: BoltzmannEncoderCard, solved: np.ndarray) -> Curves:
    cycles = settings.check_every * np.arange(1, solved.shape[1] + 1)
    ever = np.logical_or.accumulate(solved, 1).mean(0)
    return Curves(
        f"{_name(settings)} encoders",
        f"All {settings.visible} patterns were recalled at some check in {solved.any(1).sum()} of {len(solved)} runs.",
        "learning cycles", "share of runs",
        {"solved so far": series(cycles, ever), "all patterns recalled": series(cycles, solved.mean(0))}, share=True,
    )  # fmt: skip


def _codes(settings: BoltzmannEncoderCard, runs: list[Learned]) -> Picture:
    """The weights of the first run that recalls most patterns at the end."""
    v, best = settings.visible, max(runs, key=lambda run: run.recalled[-1])
    units = [f"{group}{n + 1}" for group in "ab" for n in range(v)]
    return Picture(
        f"Codes of the {_name(settings)} encoder",
        f"Weights of hidden units after the last cycle: a pattern's code is where its weights are positive. "
        f"{best.recalled[-1]} of {v} patterns are recalled.",
        "visible unit of group a or b", "hidden unit", best.weights[2 * v : -1, : 2 * v].astype(float).tolist(), "weight",
        units, [str(n + 1) for n in range(settings.hidden)],
    )  # fmt: skip


def _name(settings: BoltzmannEncoderCard) -> str:
    return f"{settings.visible}-{settings.hidden}-{settings.visible}"
