"""The states of Brunel's network, against the theory of its stationary rate."""

from typing import Annotated

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.brunel_network import DT_MS, BrunelNetwork, irregularity_of, siegert_Hz
from neurorec.analysis.found import AnyFigure, Curves, Found, Raster, series
from neurorec.analysis.spike_statistics import Spikes, activity, after, irregularity, oscillation_Hz, synchrony
from neurorec.basics.cards import Card
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.event_network import EventNetwork
from neurorec.engines.on_plastic import run_network

BIN_MS, SHOWN_MS, SHOWN_NEURONS = 0.5, 200.0, 60


class BrunelSettings(Card):
    g: Annotated[float, Field(ge=0, le=100)]  #: inhibitory over excitatory strength
    eta: Annotated[float, Field(gt=0, le=20)]  #: external rate over the one that brings the mean to the threshold
    size: Annotated[int, Field(ge=200, le=50_000)]  #: neurons; Brunel's network has 12,500
    before_ms: Annotated[float, Field(ge=0, le=1e5)]  #: not measured
    time_ms: Annotated[float, Field(ge=50, le=1e5)]


@analyses.register("brunel_network")
class BrunelStates(Analysis):
    """Rates, irregularity and oscillations of Brunel's model A, simulated by the plastic engine from rest."""

    about = "Brunel's sparse network of excitatory and inhibitory neurons, against the theory of its rate"
    sources = ("brunel2000",)
    Settings = BrunelSettings
    example = {"g": 5.0, "eta": 2.0, "size": 500, "before_ms": 50.0, "time_ms": 200.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "rate": Value("mean rate of all neurons", "Hz"),
        "theory of the rate": Value("fixed point of the diffusion approximation", "Hz"),
        "rate over theory": Value("simulated over theoretical rate"),
        "CV of intervals": Value("coefficient of variation of the intervals of a neuron, mean"),
        "theory of the CV": Value("the same for white noise of the theoretical strength"),
        "input noise": Value(
            "variance of a neuron's recurrent input over 20 ms, relative to Poisson processes of the same rate"
        ),
        "synchrony": Value("variance over mean of the number of spikes of all neurons in 0.5 ms; 1 if they are independent"),
        "frequency": Value("at which the activity of the network has the most power", "Hz"),
    }  # fmt: skip

    def run(self, settings: BrunelSettings, seed: int) -> Found:
        net = BrunelNetwork(settings.g, settings.eta, settings.size)
        before, steps = round(settings.before_ms / DT_MS), round(settings.time_ms / DT_MS)
        network = net.event_network(numpy_generator(seed, "connections"))
        when, who = after(run_network(network, before + steps, seed).spikes["neurons"], before)
        spikes = (when - before, who)
        rate, theory = len(when) / settings.size / steps / DT_MS * 1000.0, net.theory_Hz()
        course = activity(spikes, settings.size, steps, DT_MS, BIN_MS)
        frequency, *spectrum = oscillation_Hz(course, BIN_MS)
        values = {
            "rate": rate, "theory of the rate": theory, "rate over theory": rate / theory,
            "CV of intervals": irregularity(spikes, settings.size), "theory of the CV": irregularity_of(*net.input_mV(theory)),
            "input noise": input_noise(network, spikes, steps),
            "synchrony": synchrony(course, settings.size, BIN_MS), "frequency": frequency,
        }  # fmt: skip
        alone = {"rate over theory": ("neurons without synapses", siegert_Hz(*net.input_mV(0.0)) / theory)}
        return Found(values, (*network_figures(spikes, course, steps), _spectrum(*spectrum)), alone)


def input_noise(network: EventNetwork, spikes: Spikes, steps: int, window_ms: float = 20.0, neurons: int = 30) -> float:
    """Variance of the summed weights of the spikes that a neuron receives per window, relative to that of independent Poisson
    processes; mean over the first `neurons`."""
    (size,) = {population.size for population in network.populations.values()}
    weights = np.zeros((neurons, size))
    for each in network.projections.values():
        pre, post = np.asarray(each.pre), np.asarray(each.post)
        seen = np.flatnonzero(post < neurons)
        np.add.at(weights, (post[seen], pre[seen]), each.weights[seen])
    width = round(window_ms / network.dt_ms)
    windows, inside = steps // width, spikes[0] < steps // width * width
    counts = np.zeros((windows, size))
    np.add.at(counts, (spikes[0][inside] // width, spikes[1][inside]), 1.0)
    poisson = (weights**2).sum(1) * counts.mean()
    return float(((counts @ weights.T).var(0) / poisson).mean()) if counts.any() else float("nan")


def network_figures(spikes: Spikes, course: np.ndarray, steps: int) -> tuple[AnyFigure, AnyFigure]:
    """Spikes of some neurons and the activity of all, at the end of the time."""
    start = max(0, steps - round(SHOWN_MS / DT_MS))
    when, who = after(spikes, start)
    shown = who < SHOWN_NEURONS
    times = np.arange(len(course)) * BIN_MS
    late = times >= start * DT_MS
    return (
        Raster(
            f"Spikes of {SHOWN_NEURONS} neurons", "The last part of the time.", (when[shown] * DT_MS).tolist(),
            who[shown].tolist(),
        ),
        Curves(
            "Activity", f"Mean rate of all neurons in bins of {BIN_MS:g} ms.", "time (ms)", "rate (Hz)",
            {"all neurons": series(times[late], course[late])},
        ),
    )  # fmt: skip


def _spectrum(frequency: np.ndarray, power: np.ndarray) -> Curves:
    seen = frequency <= 500.0
    return Curves(
        "Power spectrum of the activity", "Peaks are oscillations of the whole network.", "frequency (Hz)", "power (Hz²/Hz)",
        {"all neurons": series(frequency[seen], power[seen])}, log_y=True,
    )  # fmt: skip
