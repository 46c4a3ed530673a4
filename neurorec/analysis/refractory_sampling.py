"""Spiking neurons with an absolute refractory period as samplers, beside Gibbs sampling (Buesing et al. 2011)."""

from typing import Annotated

import numpy as np
from pydantic import Field

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found
from neurorec.analysis.sampled_machines import (
    ends_of_parts,
    exact,
    falling,
    of_independent_units,
    random_machine,
)  # fmt: skip
from neurorec.basics.cards import Card
from neurorec.basics.numbers import PositiveGain
from neurorec.basics.seeds import numpy_generator
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.models.energy.boltzmann import Boltzmann


class RefractorySamplingSettings(Card):
    units: Annotated[int, Field(ge=1, le=16)]
    strength: PositiveGain  #: range of weights and of biases
    refractory_steps: Annotated[int, Field(ge=2, le=1000)]
    steps: Annotated[int, Field(ge=100, le=10**8)]


@analyses.register("refractory_sampling")
class RefractorySampling(Analysis):
    """A random Boltzmann machine is sampled by neurons that are on for some steps after each spike (the energy model
    refractory_boltzmann), and by Gibbs sampling with as many updates of single units. Both start with all units off;
    no burn-in is discarded."""

    about = "Divergence of spiking neurons' states from the Boltzmann distribution, against time"
    sources = ("buesing2011",)
    Settings = RefractorySamplingSettings
    example = {"units": 4, "strength": 1.2, "refractory_steps": 5, "steps": 2000}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "divergence": Value("Kullback-Leibler divergence from the exact distribution, after all steps", "nats", False),
        "divergence of Gibbs sampling": Value("the same, for as many updates of single units", "nats", False),
        "exponent": Value("of the divergence as a power of time, fitted over the last two decades of time"),
    }

    def run(self, settings: RefractorySamplingSettings, seed: int) -> Found:
        machine = random_machine(settings.units, settings.strength, seed)
        chances, ends, steps = exact(machine), ends_of_parts(settings.steps), settings.steps
        names = {"spiking neurons": settings.refractory_steps, "Gibbs sampling": 1}
        lines = {name: falling(ends, Sampler(machine, tau, seed).more, chances) for name, tau in names.items()}
        time, spiking = (np.array(part) for part in lines["spiking neurons"])
        late = time >= steps / 100
        independent, tau = of_independent_units(chances), settings.refractory_steps
        values = {
            "divergence": float(spiking[-1]),
            "divergence of Gibbs sampling": lines["Gibbs sampling"][1][-1],
            "exponent": float(np.polyfit(np.log(time[late]), np.log(spiking[late]), 1)[0]),
        }
        figure = Curves(
            f"Sampling by {settings.units} neurons, strength {settings.strength:g}",
            f"After {steps:,} steps, the divergence of the spiking neurons is {spiking[-1]:.2g} nats. They stay on for {tau} "
            "steps, so successive states are more correlated than in Gibbs sampling.", "steps", "divergence (nats)", lines,
            log_x=True, log_y=True, level=independent,
        )  # fmt: skip
        return Found(values, (figure,), {"divergence": ("independent units", independent)})


class Sampler:
    """A chain of states that starts with all units off."""

    def __init__(self, machine: Boltzmann, refractory: int, seed: int) -> None:
        self.weight, self.bias = machine.weight.numpy(), machine.bias.numpy()
        self.refractory, self.number = refractory, np.uint64(0)
        self.stream = numpy_generator(seed, f"refractory sampling {refractory}").integers(2**63, dtype=np.uint64)
        self.counters, self.visits = np.zeros(machine.size, np.int64), np.zeros(2**machine.size, np.int64)

    def more(self, steps: int) -> np.ndarray:
        """How often each state was visited so far, after more steps."""
        self.number = load_kernels("refractory").sample_refractory(
            self.weight, self.bias, 1.0, self.refractory, self.counters, self.visits, steps, self.stream, self.number
        )
        return self.visits
