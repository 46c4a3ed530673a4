"""A synapse is rewarded long after its spikes: reward-modulated STDP in a recurrent network, after Izhikevich (2007).

800 excitatory and 200 inhibitory Izhikevich neurons, driven by noise, each with 100 random synapses. Pairs of spikes leave an
eligibility trace c at excitatory synapses, which decays within seconds; it rises if the source fires first and falls if it
fires last. Whenever the source of the target synapse fires, and its target neuron within 20 ms after it, a reward follows
1 to 3 s later, for all synapses:

    dc/dt = -c / tau_trace;   w <- w + reward c at a reward, 0 <= w <= 4 mV

A reward depends on spikes that are at least 1 s old, so the network runs for up to 1 s at a time, until the next reward; c is
linear, and is continued from piece to piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Raster, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import TimeMs
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.event_models import NEURONS, RULES, neurons, synapses
from neurorec.engines.event_network import EventNetwork, PoissonDrive
from neurorec.engines.on_plastic import run_network

DT_MS, PIECE_MS, EXCITATORY = 1.0, 1000, 0.8
COINCIDENCE_MS, EARLIEST_MS, LATEST_MS, RANDOM_HZ = 20, 1000, 3000, 0.2
START_MV, INHIBITION_MV, WEIGHT_MAX_MV, REWARD = 1.0, -1.0, 4.0, 10.0
POTENTIATION, DEPRESSION = 0.1, 0.12
NOISE_MV, NOISE_HZ = 6.5, 100.0  #: of each sign
NUMBERS = {
    "quadratic": 0.04, "linear": 5.0, "offset": 140.0, "coupling": 0.2, "v_threshold": 30.0, "v_reset": -65.0,
    "potentiation": POTENTIATION, "depression": DEPRESSION, "weight_max": WEIGHT_MAX_MV,
}  # fmt: skip
_MODEL = replace(NEURONS["izhikevich"], equations=NEURONS["izhikevich"].equations + "\nrecovery : 1\nu_rise : 1")
Generator = np.random.Generator


class DistalSettings(Card):
    size: Annotated[int, Field(ge=20, le=20_000)]
    fan_out: Annotated[int, Field(ge=2, le=1000)]  #: synapses of each neuron
    time_s: Annotated[int, Field(ge=1, le=100_000)]
    trace_ms: TimeMs  #: time constant of the eligibility trace
    rewards: Literal["pairing", "at random"]


@dataclass
class RewardedNetwork:
    """Its wiring, and all that changes from piece to piece."""

    settings: DistalSettings
    random: Generator
    weights: np.ndarray = field(init=False)  #: [E] in mV
    trace: np.ndarray = field(init=False)  #: [E]
    state: dict[str, Any] = field(init=False)  #: of the neurons

    def __post_init__(self) -> None:
        size, fan_out = self.settings.size, self.settings.fan_out
        self.excitatory = round(EXCITATORY * size)
        excites = np.arange(size) < self.excitatory
        self.pre = np.repeat(np.arange(size), fan_out)
        self.post = np.concatenate([self._targets(source) for source in range(size)])
        self.plastic = excites[self.pre]
        among = np.flatnonzero(self.post[self.plastic] < self.excitatory)
        self.target = int(self.random.choice(among))
        self.weights = np.full(int(self.plastic.sum()), START_MV)
        self.weights[self.target] = 0.0
        self.trace = np.zeros(len(self.weights))
        zero = np.zeros(size)
        self.state = {
            "v": zero - 65.0, "u": zero - 13.0, "x": zero, "y": zero, "recovery": np.where(excites, 0.02, 0.1),
            "u_rise": np.where(excites, 8.0, 2.0),
        }  # fmt: skip

    def _targets(self, source: int) -> np.ndarray:
        """Inhibitory neurons only have excitatory targets."""
        possible = self.settings.size if source < self.excitatory else self.excitatory
        others = np.delete(np.arange(possible), source) if source < possible else np.arange(possible)
        return self.random.choice(others, min(self.settings.fan_out, len(others)), replace=False)

    @property
    def ends(self) -> tuple[int, int]:
        """The two neurons of the target synapse."""
        return int(self.pre[self.plastic][self.target]), int(self.post[self.plastic][self.target])

    def network(self) -> EventNetwork:
        rule = RULES["reward"]
        noise = tuple(PoissonDrive("v", amount, NOISE_HZ) for amount in (NOISE_MV, -NOISE_MV))
        population = neurons(self.settings.size, _MODEL, rule, start=self.state, drives=noise)
        pre, post, plastic = self.pre, self.post, self.plastic
        inhibition = np.full(int((~plastic).sum()), INHIBITION_MV)
        projections = {
            "excitation": synapses("all", "all", self.weights, _MODEL, rule, pre=pre[plastic], post=post[plastic]),
            "inhibition": synapses("all", "all", inhibition, _MODEL, pre=pre[~plastic], post=post[~plastic]),
        }
        times = {"tau_unit": 1.0, "tau_plus": 20.0, "tau_minus": 20.0, "tau_mark": self.settings.trace_ms}
        return EventNetwork(DT_MS, {"all": population}, projections, times, NUMBERS)

    def run(self, time_ms: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Spikes (ms, neurons) of the next `time_ms`; weights do not change."""
        steps = round(time_ms / DT_MS)
        seen = run_network(self.network(), steps, seed)
        self.state = {name: seen.state["all"][name] for name in self.state}
        self.trace = self.trace * (1 - DT_MS / self.settings.trace_ms) ** steps + seen.state["excitation"]["c"]
        when, who = seen.spikes["all"]
        return when * DT_MS, who

    def reward(self, amount: float) -> None:
        self.weights = np.clip(self.weights + amount * self.trace, 0.0, WEIGHT_MAX_MV)

    @property
    def rank(self) -> float:
        """The share of other excitatory synapses that are at least as strong as the target synapse."""
        stronger = int((self.weights >= self.weights[self.target]).sum()) - 1
        return stronger / (len(self.weights) - 1)


@dataclass(frozen=True)
class Piece:
    end_ms: int
    spikes: tuple[np.ndarray, np.ndarray]  #: since the beginning of the piece
    rewards: int  #: given at the end


class Pairings:
    """Times at which `first` and then `then` fire, within 20 ms."""

    def __init__(self, first: int, then: int) -> None:
        self.first, self.then, self.last_ms = first, then, -np.inf

    def seen(self, times_ms: np.ndarray, who: np.ndarray) -> list[float]:
        found = []
        for at, neuron in zip(times_ms, who, strict=True):
            if neuron == self.then and 0 < at - self.last_ms <= COINCIDENCE_MS:
                found.append(float(at))
            if neuron == self.first:
                self.last_ms = at
        return found


def course(net: RewardedNetwork, seed: int) -> Iterator[Piece]:
    settings, random, pairings = net.settings, numpy_generator(seed, "rewards"), Pairings(*net.ends)
    end, now = settings.time_s * 1000, 0
    due: list[int] = []
    if settings.rewards == "at random":
        due = sorted(random.integers(1, end, random.poisson(RANDOM_HZ * settings.time_s)).tolist())
    while now < end:
        then = min([end, now + PIECE_MS, *(time for time in due if time > now)])
        times_ms, who = net.run(then - now, int(random.integers(2**31)))
        if settings.rewards == "pairing":
            due += [int(at + random.integers(EARLIEST_MS, LATEST_MS)) for at in pairings.seen(times_ms + now, who)]
        rewards = due.count(then)
        if rewards:
            net.reward(REWARD * rewards)
        due, now = [time for time in due if time > then], then
        yield Piece(now, (times_ms, who), rewards)


@analyses.register("distal_reward")
class DistalReward(Analysis):
    """The target synapse starts at 0 mV, all other excitatory synapses at 1 mV. A trace of 20 ms is no longer than the window
    of STDP, so that nothing is left of it when the reward arrives."""

    about = "Reward-modulated STDP: rewards that come seconds later strengthen the synapse that earned them"
    sources = ("izhikevich2007",)
    Settings = DistalSettings
    example = {"size": 50, "fan_out": 10, "time_s": 3, "trace_ms": 1000.0, "rewards": "at random"}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "rank": Value("share of excitatory synapses that are at least as strong as the target synapse", higher_is_better=False),
        "in the top 1 %": Value("1 if the rank is at most 0.01, else 0", higher_is_better=True),
        "target weight": Value("of the target synapse at the end", "mV", higher_is_better=True),
        "mean weight": Value("of all excitatory synapses at the end", "mV"),
        "same source": Value("mean weight of the other synapses of its source", "mV"),
        "rewards": Value("number of rewards"),
        "rate": Value("mean rate of all neurons", "Hz"),
    }  # fmt: skip

    def run(self, settings: DistalSettings, seed: int) -> Found:
        net = RewardedNetwork(settings, numpy_generator(seed, "wiring"))
        rows, spikes, rewards, last = [], 0, 0, None
        for piece in course(net, seed):
            spikes, rewards, last = spikes + len(piece.spikes[0]), rewards + piece.rewards, piece
            levels = net.weights[net.target], net.weights.mean(), np.quantile(net.weights, 0.99)
            if piece.rewards:
                rows.append((piece.end_ms / 1000, *levels))
        source = net.pre[net.plastic] == net.ends[0]
        source[net.target] = False
        values = {
            "rank": net.rank, "in the top 1 %": float(net.rank <= 0.01), "target weight": net.weights[net.target],
            "mean weight": net.weights.mean(), "same source": net.weights[source].mean(), "rewards": rewards,
            "rate": spikes / settings.size / settings.time_s,
        }  # fmt: skip
        baselines = {"rank": ("rank by chance", 0.5), "in the top 1 %": ("rank by chance", 0.01)}
        return Found(values, (_growth(rows), _raster(last)), baselines)


def _growth(rows: list[tuple[float, ...]]) -> Curves:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    names = ("target synapse", "mean of all", "99 % of all are weaker")
    return Curves(
        "Weights over time", "Of the target and of all excitatory synapses, after each reward.", "time (s)", "weight (mV)",
        {name: series(columns[0], column) for name, column in zip(names, columns[1:], strict=True)},
    )  # fmt: skip


def _raster(piece: Piece | None, shown: int = 200) -> Raster:
    times_ms, who = piece.spikes if piece else (np.zeros(0), np.zeros(0, int))
    some = who % max(1, int(who.max(initial=0) + 1) // shown) == 0
    return Raster(
        "Spikes at the end", "Every fifth neuron of a network of 1,000; the top fifth of the rows is inhibitory.",
        times_ms[some].tolist(), who[some].tolist(),
    )  # fmt: skip
