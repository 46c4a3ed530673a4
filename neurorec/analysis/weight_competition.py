"""Competition of the inputs of one neuron under pair STDP, after Song, Miller and Abbott (2000).

A neuron with conductances (in units of its leak) receives 1,000 excitatory Poisson inputs, whose synapses learn, and 200
inhibitory ones of 10 Hz, whose synapses do not:

    tau_m dV/dt = V_rest - V + g_ex (E_ex - V) + g_in (E_in - V);   tau_s dg/dt = -g, g += w at a spike of an input

Depression is 5 % stronger than potentiation. All excitatory weights start at their maximum.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.analysis.spike_statistics import activity, after, irregularity
from neurorec.basics.cards import Card
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.event_models import RULES, Plasticity, input_lines, neurons, synapses
from neurorec.engines.event_network import EventNetwork, PoissonTrain
from neurorec.engines.on_plastic import run_network
from neurorec.models.forms import NeuronModel

INPUTS, INHIBITORY, DT_MS = 1000, 200, 0.5
WEIGHT_MAX, INHIBITORY_WEIGHT, INHIBITORY_HZ = 0.015, 0.05, 10.0
POTENTIATION, DEPRESSION_OVER_POTENTIATION = 0.005, 1.05  #: in units of the maximal weight
GROUP_MS, GROUP_ROWS = 20.0, 5000  #: correlated rates change after this time; the rows repeat
FIXED_S = 20.0  #: run with fixed weights, for comparison
NUMBERS = {
    "v_rest": -70.0, "e_ex": 0.0, "e_in": -70.0, "v_threshold": -54.0, "v_reset": -60.0, "weight_max": WEIGHT_MAX,
    "potentiation": POTENTIATION * WEIGHT_MAX,
    "depression": POTENTIATION * DEPRESSION_OVER_POTENTIATION * WEIGHT_MAX,
}  # fmt: skip
TIMES_MS = {"tau_mem": 20.0, "tau_syn": 5.0, "tau_plus": 20.0, "tau_minus": 20.0}
_EQUATIONS = """dv/dt = (v_rest - v + g_ex * (e_ex - v) + g_in * (e_in - v)) / tau_mem : 1
dg_ex/dt = -g_ex / tau_syn : 1
dg_in/dt = -g_in / tau_syn : 1"""
EXCITED = NeuronModel(_EQUATIONS, "v > v_threshold", "v = v_reset", "g_ex_post += w")
INHIBITED = NeuronModel(_EQUATIONS, "v > v_threshold", "v = v_reset", "g_in_post += w")


class CompetitionSettings(Card):
    rate_Hz: Annotated[float, Field(gt=0, le=200)]  #: of each excitatory input
    inputs: Literal["independent", "half correlated"]
    time_s: Annotated[float, Field(ge=1, le=1e5)]


@dataclass(frozen=True)
class Competed:
    """Weights in units of the maximum, and the neuron's spikes (steps, neurons)."""

    weights: np.ndarray
    spikes: tuple[np.ndarray, np.ndarray]
    steps: int

    def last(self, share: float) -> tuple[float, float]:
        """Rate (Hz) and irregularity in the last part of the time."""
        start = round(self.steps * (1 - share))
        spikes = after(self.spikes, start)
        return len(spikes[0]) / ((self.steps - start) * DT_MS) * 1000.0, irregularity(spikes, 1)


def input_rates(rate_Hz: float, correlated: bool, random: np.random.Generator) -> np.ndarray | float:
    """The rate, or rates per 20 ms [S, N] that fluctuate with a standard deviation of 42 %: half of that variance is common to
    the inputs of the first half."""
    if not correlated:
        return rate_Hz
    own, common = random.standard_normal((GROUP_ROWS, INPUTS)), random.standard_normal((GROUP_ROWS, 1))
    half = INPUTS // 2
    own[:, :half] = (own[:, :half] + common) / 2**0.5
    return np.clip(rate_Hz * (1 + 0.3 * 2**0.5 * own), 0.0, None)


def run_neuron(settings: CompetitionSettings, seed: int, rule: Plasticity, time_s: float) -> Competed:
    rates = input_rates(settings.rate_Hz, settings.inputs == "half correlated", numpy_generator(seed, "input rates"))
    populations = {
        "excitatory": input_lines(INPUTS, PoissonTrain(rates), rule),
        "inhibitory": input_lines(INHIBITORY, PoissonTrain(INHIBITORY_HZ)),
        "neuron": neurons(1, EXCITED, rule, start={"v": NUMBERS["v_reset"]}),
    }
    projections = {
        "plastic": synapses("excitatory", "neuron", np.full((INPUTS, 1), WEIGHT_MAX), EXCITED, rule),
        "fixed": synapses("inhibitory", "neuron", np.full((INHIBITORY, 1), INHIBITORY_WEIGHT), INHIBITED),
    }
    sample = 0 if np.ndim(rates) == 0 else round(GROUP_MS / DT_MS)
    network = EventNetwork(DT_MS, populations, projections, TIMES_MS, NUMBERS, sample_steps=sample)
    steps = round(time_s * 1000.0 / DT_MS)
    seen = run_network(network, steps, seed, record=["neuron"])
    return Competed(seen.weights["plastic"][:, 0] / WEIGHT_MAX, seen.spikes["neuron"], steps)


@analyses.register("weight_competition")
class WeightCompetition(Analysis):
    """Weights, rate and irregularity of the neuron after learning, compared with those of the neuron with maximal weights."""

    about = "Excitatory inputs of one neuron compete by pair STDP"
    sources = ("song2000",)
    Settings = CompetitionSettings
    example = {"rate_Hz": 10.0, "inputs": "independent", "time_s": 50.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "weak": Value("share of weights below a quarter of the maximum"),
        "middle": Value("share of weights between a quarter and three quarters of the maximum", higher_is_better=False),
        "strong": Value("share of weights above three quarters of the maximum"),
        "weaker end": Value("the smaller of the shares of weak and strong weights", higher_is_better=True),
        "rate": Value("of the neuron, in the last tenth of the time", "Hz"),
        "CV of intervals": Value("coefficient of variation of its intervals, in the last tenth", higher_is_better=True),
        "first half": Value("mean weight of the first half of the inputs, the correlated ones if there are any"),
        "second half": Value("mean weight of the second half of the inputs"),
        "advantage of the first half": Value("its mean weight minus that of the second half", higher_is_better=True),
    }  # fmt: skip

    def run(self, settings: CompetitionSettings, seed: int) -> Found:
        seen = run_neuron(settings, seed, RULES["pair"], settings.time_s)
        rate, irregular = seen.last(0.1)
        fixed_rate, fixed_irregular = run_neuron(settings, seed, RULES["static"], FIXED_S).last(0.9)
        weak, strong = float((seen.weights < 0.25).mean()), float((seen.weights > 0.75).mean())
        first, second = (float(half.mean()) for half in np.split(seen.weights, 2))
        values = {
            "weak": weak, "middle": 1.0 - weak - strong, "strong": strong, "weaker end": min(weak, strong), "rate": rate,
            "CV of intervals": irregular, "first half": first, "second half": second,
            "advantage of the first half": first - second,
        }  # fmt: skip
        alone = {"rate": ("fixed weights", fixed_rate), "CV of intervals": ("fixed weights", fixed_irregular)}
        return Found(values, (_histogram(seen.weights, settings), _course(seen)), alone)


def _histogram(weights: np.ndarray, settings: CompetitionSettings, bins: int = 20) -> Curves:
    """Shares of the weights of each half; one curve if the halves do not differ."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    groups = {"all inputs": weights}
    if settings.inputs == "half correlated":
        groups = dict(zip(("correlated inputs", "independent inputs"), np.split(weights, 2), strict=True))
    shares = {name: np.histogram(group, edges)[0] / len(group) for name, group in groups.items()}
    return Curves(
        f"Weights after learning, inputs of {settings.rate_Hz:g} Hz", f"Share of weights in {bins} bins.",
        "weight over its maximum", "share of synapses",
        {name: series((edges[1:] + edges[:-1]) / 2, share) for name, share in shares.items()},
    )  # fmt: skip


def _course(seen: Competed, points: int = 200) -> Curves:
    bin_ms = max(1, seen.steps // points) * DT_MS
    rate = activity(seen.spikes, 1, seen.steps, DT_MS, bin_ms)
    times_s = (np.arange(len(rate)) + 0.5) * bin_ms / 1000.0
    return Curves(
        "Rate of the neuron", "It falls while weights decrease, and then stays nearly the same.", "time (s)", "rate (Hz)",
        {"neuron": series(times_s, rate)}, log_y=bool((rate > 0).all()),
    )  # fmt: skip
