"""LIF neurons in a high-conductance state as samplers (Petrovici et al. 2016)."""

from typing import Annotated

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Raster, series
from neurorec.analysis.sampled_machines import ends_of_parts, exact, falling, of_independent_units, random_machine
from neurorec.basics.cards import Card
from neurorec.basics.numbers import PositiveGain
from neurorec.engines.on_plastic import run_network
from neurorec.engines.sampling_neurons import DT_MS, NEURONS, calibrate, is_on, sampling_network

Duration = Annotated[float, Field(ge=100, le=10**6)]
SHOWN_MS = 1000.0


class LIFSamplingSettings(Card):
    units: Annotated[int, Field(ge=1, le=16)]
    strength: PositiveGain  #: range of weights and of biases
    calibration_ms: Duration
    duration_ms: Duration


@analyses.register("lif_sampling")
class LIFSampling(Analysis):
    """Single neurons are measured first; the weights of a random Boltzmann machine are then translated into conductances and
    currents. States are read in every step from the start: a neuron is on for tau_ref after a spike."""

    about = "Divergence of LIF neurons' states from the Boltzmann distribution, against time"
    sources = ("petrovici2016", "buesing2011")
    Settings = LIFSamplingSettings
    example = {"units": 3, "strength": 1.2, "calibration_ms": 500.0, "duration_ms": 500.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "divergence": Value("Kullback-Leibler divergence from the exact distribution, at the end", "nats", False),
        "error of the means": Value(
            "largest difference between the share of time a unit is on and its exact value", "", False
        ),
        "misfit": Value(
            "largest difference between the activation of single neurons and the logistic function", "", False
        ),
        "spread": Value("change of potential that changes the odds of being on by a factor of e", "mV"),
    }

    def run(self, settings: LIFSamplingSettings, seed: int) -> Found:
        units, machine = settings.units, random_machine(settings.units, settings.strength, seed)
        calibration = calibrate(settings.calibration_ms, seed)
        network = sampling_network(machine.weight.numpy(), machine.bias.numpy(), calibration)
        chances, steps = exact(machine), round(settings.duration_ms / DT_MS)
        spikes = run_network(network, steps, seed).spikes[NEURONS]
        on = is_on(spikes, units, steps)
        states = on @ (1 << np.arange(units)[::-1])
        read = 0

        def visits(more: int) -> np.ndarray:
            nonlocal read
            read += more
            return np.bincount(states[:read], minlength=2**units)

        time, found = falling(ends_of_parts(steps), visits, chances, 1 / DT_MS)
        means = machine.probabilities(1.0) @ machine.all_states().double()
        misfit = np.abs(calibration.fitted - calibration.measured).max()
        independent, at = of_independent_units(chances), spikes[0] * DT_MS
        values = {
            "divergence": found[-1],
            "error of the means": float(np.abs(on.mean(0) - means.numpy()).max()),
            "misfit": float(misfit),
            "spread": calibration.spread_mV,
        }
        mean_mV, early = calibration.mean_mV, at < SHOWN_MS
        figures = (
            Curves(
                f"Sampling by {units} LIF neurons, strength {settings.strength:g}",
                f"After {settings.duration_ms:g} ms, their states diverge by {found[-1]:.2g} nats. The curve levels off at "
                "the error of the translation: the effect of a spike decays instead of ending with the refractory period.",
                "time (ms)", "divergence (nats)", {"LIF neurons": (time, found)}, log_x=True, log_y=True, level=independent,
            ),
            Curves(
                "Activation of single neurons", f"It differs from a logistic function by at most {misfit:.3f}.",
                "mean potential (mV)", "share of time on",
                {"measured": series(mean_mV, calibration.measured), "logistic": series(mean_mV, calibration.fitted)},
                share=True,
            ),
            Raster("Spikes", "The first second.", at[early].tolist(), spikes[1][early].tolist()),
        )  # fmt: skip
        return Found(values, figures, {"divergence": ("independent units", independent)})
