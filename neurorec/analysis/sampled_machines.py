"""Small Boltzmann machines with random weights, and how far sampled frequencies are from their exact distribution."""

from collections.abc import Callable

import numpy as np
import torch

from neurorec.analysis.found import Series, series
from neurorec.basics.seeds import torch_generator
from neurorec.models.energy.boltzmann import Boltzmann, BoltzmannCard

PARTS = 40  #: into which a run is divided, spaced evenly in the logarithm of time


def random_machine(units: int, strength: float, seed: int) -> Boltzmann:
    """Weights and biases are `strength` (x - 1/2), x drawn from Beta(1/2, 1/2): mostly near the ends of their range."""
    drawn = torch.rand((units, units + 1), generator=torch_generator(seed, f"machine of {units}"), dtype=torch.float64)
    values = strength * (torch.sin(torch.pi * drawn / 2) ** 2 - 0.5)  # sin^2 of a uniform angle is Beta(1/2, 1/2)
    made = Boltzmann(
        BoltzmannCard(name="boltzmann", max_sweeps=1, temperature=1.0, initial_spread=1.0, hidden=0), units
    )
    made.double()
    upper = values[:, 1:].triu(1)
    made.load_state_dict({"weight": upper + upper.T, "bias": values[:, 0]})
    return made


def exact(machine: Boltzmann) -> np.ndarray:
    """[2^N] the probability of each state, the first unit as the highest bit."""
    return machine.probabilities(1.0).numpy()


def divergence(visits: np.ndarray, chances: np.ndarray) -> float:
    """Kullback-Leibler divergence of the frequencies from the exact distribution, in nats."""
    seen = visits[visits > 0] / visits.sum()
    return float((seen * np.log(seen / chances[visits > 0])).sum())


def of_independent_units(chances: np.ndarray) -> float:
    """The divergence of independent units, each on as often as it should be."""
    units = int(np.log2(len(chances)))
    bits = (np.arange(len(chances))[:, None] >> np.arange(units)[::-1]) & 1
    means = chances @ bits
    product = np.where(bits == 1, means, 1 - means).prod(1)
    return divergence(product, chances)


def ends_of_parts(steps: int) -> list[int]:
    return sorted({round(end) for end in np.geomspace(max(1, steps / 10_000), steps, PARTS)})


def falling(ends: list[int], visits: Callable[[int], np.ndarray], chances: np.ndarray, per_ms: float = 1.0) -> Series:
    """The divergence against time; `visits(steps)` continues for so many steps and returns the frequencies so far."""
    lengths = np.diff([0, *ends])
    return series([end / per_ms for end in ends], [divergence(visits(int(n)), chances) for n in lengths])
