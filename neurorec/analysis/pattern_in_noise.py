"""One neuron finds a pattern that repeats in noise, after Masquelier, Guyonneau and Thorpe (2008).

2,000 inputs fire at random, with rates that fluctuate between 0 and 90 Hz, and 10 Hz of noise. Half of them repeat the same
50 ms, at random times, a quarter of the time; their rates are the same during the pattern as outside. A LIF neuron learns
by STDP between nearest spikes:

    at the neuron's spike: w += a e^(-dt / tau+) for the last spike of an input, if it has not been paired before;
    at the first spike of an input after it: w -= 0.8 a e^(-dt / tau-);   0 <= w <= 1
"""

from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import AnyFigure, Curves, Found, Points, Raster, series
from neurorec.basics.cards import Card
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, SpikeTrain
from neurorec.engines.on_plastic import run_network

DT_MS, PATTERN_MS, REPEATED, PATTERN_SHARE = 1.0, 50, 0.25, 0.5
TOP_HZ, NOISE_HZ, GRID_MS, MEMORY_MS = 90.0, 10.0, 10, 20.0  #: rates are constant for 10 ms, and correlated over 20 ms
TAU_MEM_MS, TAU_SYN_MS, TAU_PLUS_MS, TAU_MINUS_MS = 10.0, 2.5, 16.8, 33.7
THRESHOLD_PER_INPUT, RESET, START = (
    0.25,
    -1.5,
    0.475,
)  #: in units of the peak of one input's effect; of the threshold; of w
POTENTIATION, DEPRESSION_OVER_POTENTIATION = 2.0**-5, 0.8
HITS_WANTED, MEASURED = (
    0.98,
    1 / 3,
)  #: share of patterns that must be found, without false alarm, in the last third of the time
_LIF = "dv/dt = (current - v) / tau_mem : 1\ndcurrent/dt = -current / tau_syn : 1"


class PatternSettings(Card):
    inputs: Annotated[int, Field(ge=10, le=20_000)]
    time_s: Annotated[int, Field(ge=3, le=10_000)]
    trials: Annotated[int, Field(ge=1, le=100)]  #: patterns, each learned by a neuron of its own


class Shown(NamedTuple):
    """Input spikes (steps of 1 ms, inputs), and the steps at which the pattern begins."""

    steps: np.ndarray
    inputs: np.ndarray
    starts: np.ndarray


def inputs_with_pattern(random: np.random.Generator, inputs: int, time_s: int) -> Shown:
    """The pattern is what its inputs do the first time; its presentations do not follow each other directly."""
    from scipy.special import ndtr

    windows, members = time_s * 1000 // PATTERN_MS, round(PATTERN_SHARE * inputs)
    decay, noise = np.float32(np.exp(-GRID_MS / MEMORY_MS)), np.float32(NOISE_HZ * DT_MS / 1000)
    level = random.standard_normal(inputs, dtype=np.float32)
    pattern, starts, steps, who = None, [], [], []
    for window in range(windows):
        levels = []
        for _ in range(PATTERN_MS // GRID_MS):
            level = decay * level + np.sqrt(1 - decay**2) * random.standard_normal(inputs, dtype=np.float32)
            levels.append(level)
        chances = np.repeat(ndtr(np.stack(levels)) * np.float32(TOP_HZ * DT_MS / 1000), GRID_MS, 0)
        spikes = random.random((PATTERN_MS, inputs), dtype=np.float32) < chances
        free = window > 0 and (not starts or starts[-1] != (window - 1) * PATTERN_MS)
        if free and random.random() < REPEATED / (1 - REPEATED):
            starts.append(window * PATTERN_MS)
            pattern = spikes[:, :members].copy() if pattern is None else pattern
            spikes[:, :members] = pattern
        spikes |= random.random(spikes.shape, dtype=np.float32) < noise
        when, which = spikes.nonzero()
        steps.append(when + window * PATTERN_MS)
        who.append(which)
    return Shown(np.concatenate(steps), np.concatenate(who), np.array(starts, dtype=np.int64))


def learning_neuron(shown: Shown, inputs: int, potentiation: float = POTENTIATION) -> EventNetwork:
    """c is the trace of the neuron's last spike until the input fires, e that of the input's until the neuron fires."""
    peak_ms = np.log(TAU_MEM_MS / TAU_SYN_MS) * TAU_MEM_MS * TAU_SYN_MS / (TAU_MEM_MS - TAU_SYN_MS)
    peak = np.exp(-peak_ms / TAU_MEM_MS) - np.exp(-peak_ms / TAU_SYN_MS)
    gain, threshold = (TAU_MEM_MS - TAU_SYN_MS) / TAU_SYN_MS / peak, THRESHOLD_PER_INPUT * inputs
    return EventNetwork(
        DT_MS,
        {
            "inputs": EventPopulation(inputs, SpikeTrain(shown.steps, shown.inputs)),
            "neuron": EventPopulation(1, "v > v_threshold", _LIF, reset="v = v_reset\ncurrent = 0", method="exact"),
        },
        {
            "synapses": EventProjection(
                "inputs", "neuron", np.full((inputs, 1), START),
                on_pre="current_post += gain * w\nw = clip(w - depression * c, 0, 1)\nc = 0\ne = 1",
                on_post="w = clip(w + potentiation * e, 0, 1)\nc = 1\ne = 0",
                state="dc/dt = -c / tau_minus : 1\nde/dt = -e / tau_plus : 1",
            )
        },
        {"tau_mem": TAU_MEM_MS, "tau_syn": TAU_SYN_MS, "tau_plus": TAU_PLUS_MS, "tau_minus": TAU_MINUS_MS},
        {
            "gain": gain, "v_threshold": threshold, "v_reset": RESET * threshold, "potentiation": potentiation,
            "depression": DEPRESSION_OVER_POTENTIATION * potentiation,
        },
    )  # fmt: skip


def latencies(spikes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """For each spike the time since the pattern began; NaN outside patterns."""
    if not len(starts):
        return np.full(len(spikes), np.nan)
    last = np.searchsorted(starts, spikes, side="right") - 1
    since = (spikes - starts[last.clip(0)]).astype(float)
    return np.where((last >= 0) & (since <= PATTERN_MS), since, np.nan)


class PatternTrial(NamedTuple):
    hits: float  #: share of patterns in the last third of the time during which the neuron fires
    false_alarms: int  #: spikes outside of patterns in the last third
    first_ms: float  #: median latency of the first 50 hits after the last false alarm
    last_ms: float  #: median latency in the last third
    spikes: np.ndarray
    latencies: np.ndarray
    weights: np.ndarray
    shown: Shown

    @property
    def found(self) -> bool:
        return self.hits > HITS_WANTED and self.false_alarms == 0


def judged(spikes: np.ndarray, weights: np.ndarray, shown: Shown, steps: int) -> PatternTrial:
    begin, starts, since = round(steps * (1 - MEASURED)), shown.starts, latencies(spikes, shown.starts)
    hit, late = ~np.isnan(since), spikes >= begin
    answered = starts[np.searchsorted(starts, spikes[hit], side="right") - 1]
    asked = starts[(starts >= begin) & (starts + PATTERN_MS < steps)]
    selective = since[np.flatnonzero(~hit)[-1] + 1 :] if not hit.all() else since
    return PatternTrial(
        float(np.isin(asked, answered).mean()) if len(asked) else 0.0, int((late & ~hit).sum()), _median(selective[:50]),
        _median(since[late & hit]), spikes, since, weights, shown,
    )  # fmt: skip


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def tried(shown: Shown, settings: PatternSettings, potentiation: float = POTENTIATION) -> PatternTrial:
    steps = round(settings.time_s * 1000 / DT_MS)
    seen = run_network(learning_neuron(shown, settings.inputs, potentiation), steps, record=["neuron"])
    return judged(seen.spikes["neuron"][0], seen.weights["synapses"][:, 0], shown, steps)


@analyses.register("pattern_in_noise")
class PatternInNoise(Analysis):
    """The pattern is found if in the last third of the time more than 98 % of its presentations make the neuron fire, and
    nothing else does. Latencies are means over trials in which it is found; figures show the first trial."""

    about = "One neuron learns by STDP to fire when a pattern of 50 ms repeats in noise"
    sources = ("masquelier2008",)
    Settings = PatternSettings
    example = {"inputs": 200, "time_s": 10, "trials": 1}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "found": Value("share of trials in which the neuron finds the pattern", higher_is_better=True),
        "hits": Value("share of patterns in the last third of the time during which it fires, mean", higher_is_better=True),
        "false alarms": Value("spikes outside of patterns in the last third, mean", higher_is_better=False),
        "first latency": Value("median since the start of the pattern, of 50 spikes after the last false alarm", "ms"),
        "last latency": Value("the same in the last third of the time", "ms", higher_is_better=False),
        "latency lost": Value("first minus last latency", "ms", higher_is_better=True),
        "pattern weights": Value("share of weights above 1/2 among the inputs with the pattern"),
        "other weights": Value("share of weights above 1/2 among the others"),
    }  # fmt: skip

    def run(self, settings: PatternSettings, seed: int) -> Found:
        members, trials = round(PATTERN_SHARE * settings.inputs), []
        for number in range(settings.trials):
            shown = inputs_with_pattern(numpy_generator(seed, f"inputs {number}"), settings.inputs, settings.time_s)
            trials.append(tried(shown, settings))
        fixed = tried(trials[0].shown, settings, potentiation=0.0)
        found = [each for each in trials if each.found]
        first, last = (float(np.mean(column)) if found else float("nan") for column in _latencies(found))
        strong = np.array([each.weights > 0.5 for each in trials])
        values = {
            "found": len(found) / len(trials),
            "hits": float(np.mean([each.hits for each in trials])),
            "false alarms": float(np.mean([each.false_alarms for each in trials])),
            "first latency": first, "last latency": last, "latency lost": first - last,
            "pattern weights": float(strong[:, :members].mean()), "other weights": float(strong[:, members:].mean()),
        }  # fmt: skip
        unlearned = {"found": float(fixed.found), "hits": fixed.hits, "false alarms": float(fixed.false_alarms)}
        return Found(
            values, _figures(trials[0], members), {name: ("fixed weights", value) for name, value in unlearned.items()}
        )


def _latencies(found: list[PatternTrial]) -> tuple[list[float], list[float]]:
    return [each.first_ms for each in found], [each.last_ms for each in found]


def _figures(trial: PatternTrial, members: int, shown: int = 1500) -> tuple[AnyFigure, ...]:
    hit = np.flatnonzero(~np.isnan(trial.latencies))
    some = hit[:: max(1, len(hit) // shown)]
    false = np.flatnonzero(np.isnan(trial.latencies))[:: max(1, len(hit) // shown)]
    edges = np.linspace(0.0, 1.0, 21)
    groups = {"inputs with the pattern": trial.weights[:members], "other inputs": trial.weights[members:]}
    return (
        Points(
            "Latency", "From the start of the pattern to a spike; spikes outside of patterns are drawn below 0.", "time (s)",
            "latency (ms)", {
                "during a pattern": series(trial.spikes[some] * DT_MS / 1000, trial.latencies[some]),
                "outside": series(trial.spikes[false] * DT_MS / 1000, np.full(len(false), -3.0)),
            },
        ),
        Curves(
            "Weights after learning", "Share of the weights of each group in 20 bins.", "weight", "share of synapses", {
                name: series((edges[1:] + edges[:-1]) / 2, np.histogram(weights, edges)[0] / len(weights))
                for name, weights in groups.items()
            },
        ),
        _raster(trial, members),
    )  # fmt: skip


def _raster(trial: PatternTrial, members: int, each: int = 40, around_ms: int = 200) -> Raster:
    """Inputs with the strongest weights, and as many others, around one of the last presentations; the neuron on top."""
    start = int(trial.shown.starts[-2:][0]) if len(trial.shown.starts) else 0
    begin, end = start - around_ms, start + PATTERN_MS + around_ms
    order = np.argsort(-trial.weights[:members], kind="stable")[:each]
    rows = np.concatenate([order, members + np.arange(each)])
    place = np.full(len(trial.weights), -1)
    place[rows] = np.arange(len(rows))
    near = slice(*np.searchsorted(trial.shown.steps, (begin, end)))
    steps, who = trial.shown.steps[near], place[trial.shown.inputs[near]]
    own = trial.spikes[(trial.spikes >= begin) & (trial.spikes < end)]
    times = np.concatenate([steps[who >= 0], own]) - start
    return Raster(
        "Inputs around a pattern, and the neuron (top)",
        f"The pattern lasts from 0 to {PATTERN_MS} ms. Rows 0 to {each - 1}: its inputs with the largest weights; "
        "above them, other inputs.",
        (times * DT_MS).tolist(), [*who[who >= 0].tolist(), *[2 * each + 4] * len(own)], "input",
    )  # fmt: skip
