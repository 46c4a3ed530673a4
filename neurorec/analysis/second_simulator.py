"""Balanced networks in the plastic engine and in Brian2: the same spikes while rounding allows, and the same statistics."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.brunel_network import BrunelNetwork
from neurorec.analysis.found import Found
from neurorec.analysis.self_sustained import NETWORKS
from neurorec.analysis.spike_statistics import Spikes, irregularity
from neurorec.basics.cards import Card
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.event_network import EventNetwork
from neurorec.engines.on_brian2 import run_network as in_brian2
from neurorec.engines.on_plastic import run_network


class SecondSimulatorSettings(Card):
    network: Literal["coba", "cuba", "brunel"]
    size: Annotated[int, Field(ge=200, le=50_000)]
    time_ms: Annotated[float, Field(ge=1, le=1e5)]
    g: Annotated[float, Field(ge=0, le=100)] = 5.0  #: of Brunel's network
    eta: Annotated[float, Field(gt=0, le=20)] = 2.0


@analyses.register("second_simulator")
class SecondSimulator(Analysis):
    """The same connections and initial state in both. COBA and CUBA have no random input, so that spikes can be compared one by
    one; the external spikes of Brunel's network are drawn by each simulator, so that only statistics can."""

    about = "A balanced network in the plastic engine against Brian2, on the same connections"
    sources = ("brian2", "brunel2000", "vogels2005", "brette2007")
    Settings = SecondSimulatorSettings
    example = {"network": "cuba", "size": 300, "time_ms": 5.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "rate": Value("of the plastic engine", "Hz"),
        "rate over Brian2's": Value("ratio of the rates"),
        "CV over Brian2's": Value("ratio of the coefficients of variation of intervals"),
        "equal spikes": Value("share of Brian2's spikes before the first that differs", higher_is_better=True),
        "compared spikes": Value("spikes in Brian2"),
    }

    def run(self, settings: SecondSimulatorSettings, seed: int) -> Found:
        network = _network(settings, numpy_generator(seed, f"network {settings.network}"))
        steps = round(settings.time_ms / network.dt_ms)
        ours = run_network(network, steps, seed).spikes["neurons"]
        theirs = in_brian2(network, steps, seed, target="numpy").spikes["neurons"]
        drawn = any(population.drives for population in network.populations.values())
        return Found({
            "rate": len(ours[0]) / settings.size / settings.time_ms * 1000.0,
            "rate over Brian2's": len(ours[0]) / len(theirs[0]) if len(theirs[0]) else float("nan"),
            "CV over Brian2's": irregularity(ours, settings.size) / irregularity(theirs, settings.size),
            "equal spikes": float("nan") if drawn else equal_share(ours, theirs),
            "compared spikes": len(theirs[0]),
        })  # fmt: skip


def _network(settings: SecondSimulatorSettings, random: np.random.Generator) -> EventNetwork:
    if settings.network == "brunel":
        return BrunelNetwork(settings.g, settings.eta, settings.size).event_network(random)
    return NETWORKS[settings.network](random, settings.size)


def equal_share(ours: Spikes, theirs: Spikes) -> float:
    """Share of `theirs` before the first spike that differs, both in order of steps and neurons."""
    one, other = (np.stack(spikes)[:, np.lexsort(spikes[::-1])] for spikes in (ours, theirs))
    if not other.shape[1]:
        return float("nan")
    shared = min(one.shape[1], other.shape[1])
    differ = np.flatnonzero((one[:, :shared] != other[:, :shared]).any(0))
    return float((differ[0] if len(differ) else shared) / other.shape[1])
