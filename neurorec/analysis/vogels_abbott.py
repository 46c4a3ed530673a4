"""The balanced networks of Vogels and Abbott (2005), as benchmarks 1 and 2 of Brette et al. (2007): 3,200 excitatory and 800
inhibitory LIF neurons, of which each pair is connected with probability 0.02.

COBA: spikes change conductances (in units of the leak). Nothing drives the network from outside: after a kick, the initial
conductances, it sustains its own activity.
CUBA: spikes change currents. The resting potential lies above the threshold, so that every neuron is driven.
"""

import numpy as np

from neurorec.engines.connect import connect_by_chance
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection

DT_MS, REFRACTORY_MS = 0.1, 5.0
CONDUCTANCES = """dv/dt = (v_rest - v + ge * (e_excitatory - v) + gi * (e_inhibitory - v)) / tau_mem : 1 (unless refractory)
dge/dt = -ge / tau_e : 1
dgi/dt = -gi / tau_i : 1"""
CURRENTS = """dv/dt = (v_rest - v + ge + gi) / tau_mem : 1 (unless refractory)
dge/dt = -ge / tau_e : 1
dgi/dt = -gi / tau_i : 1"""
TIMES_MS = {"tau_mem": 20.0, "tau_e": 5.0, "tau_i": 10.0}
POTENTIALS_MV = {"v_threshold": -50.0, "v_reset": -60.0}


def coba(random: np.random.Generator, size: int = 4000, coupled: bool = True) -> EventNetwork:
    """`coupled`: whether spikes have an effect; without it, only the kick remains."""
    start = {
        "v": -60.0 + random.normal(-5.0, 5.0, size), "ge": random.normal(4.0, 1.5, size), "gi": random.normal(20.0, 12.0, size),
    }  # fmt: skip
    numbers = {"v_rest": -60.0, "e_excitatory": 0.0, "e_inhibitory": -80.0}
    return _network(random, size, CONDUCTANCES, "euler", start, (0.6, 6.7), numbers, coupled)


def cuba(random: np.random.Generator, size: int = 4000, coupled: bool = True) -> EventNetwork:
    start = {"v": random.uniform(-60.0, -50.0, size)}
    return _network(random, size, CURRENTS, "exact", start, (1.62, -9.0), {"v_rest": -49.0}, coupled)


def _network(
    random: np.random.Generator, size: int, equations: str, method: str, start: dict[str, np.ndarray],
    weights: tuple[float, float], numbers: dict[str, float], coupled: bool,
) -> EventNetwork:  # fmt: skip
    """Of another size, each neuron has as many synapses as in the network of 4,000."""
    pre, post = connect_by_chance(random, size, size, min(1.0, 80 / size))
    first = int(np.searchsorted(pre, size * 4 // 5))
    projections = {
        name: EventProjection(
            "neurons", "neurons", np.full(len(pre[part]), weight * coupled), pre[part], post[part], f"{onto}_post += w"
        )
        for name, part, onto, weight in zip(
            ("excitation", "inhibition"), (slice(first), slice(first, None)), ("ge", "gi"), weights, strict=True
        )
    }
    population = EventPopulation(
        size, "v > v_threshold", equations, reset="v = v_reset", refractory_ms=REFRACTORY_MS, method=method, start=start
    )
    return EventNetwork(DT_MS, {"neurons": population}, projections, TIMES_MS, {**POTENTIALS_MV, **numbers})
