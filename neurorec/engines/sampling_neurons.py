"""LIF neurons that sample from a Boltzmann machine, as an event network (Petrovici et al. 2016).

Strong background noise keeps the neurons in a high-conductance state: the membrane follows its input within a millisecond, and
a neuron is on for tau_ref after each spike. The probability of being on is nearly a logistic function of the mean potential:

    p(on) = sigmoid((v_mean - v_half) / spread)

`calibrate` measures v_half and spread on single neurons. A bias b then shifts the mean potential by spread * b, by a current; a
weight w becomes a conductance whose effect on the potential is spread * w on average while its source is on. Synapses renew:
a spike resets what is left of the previous one to its full weight, as depression with a recovery time of tau_syn does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, PoissonDrive
from neurorec.engines.on_plastic import run_network

NEURONS = "neurons"
EQUATIONS = """
dv/dt = (g_leak * (v_leak - v) + g_exc * (v_exc - v) + g_inh * (v_inh - v) + current) / c_mem : 1 (unless refractory)
dg_exc/dt = -g_exc / tau_syn : 1
dg_inh/dt = -g_inh / tau_syn : 1
ds/dt = -s / tau_syn : 1
current : 1
"""
# capacitance in nF, conductances in uS, potentials in mV, currents in nA; our choice, in the range of cortical neurons
NUMBERS = {
    "c_mem": 0.1, "g_leak": 0.005, "v_leak": -65.0, "v_exc": 0.0, "v_inh": -100.0, "v_threshold": -50.0, "v_reset": -50.01,
}  # fmt: skip
TAU_SYN_MS = REFRACTORY_MS = 10.0
DT_MS = 0.1
BACKGROUND_HZ, BACKGROUND_US = 5000.0, 0.001  #: of each sign: rate of all sources of a neuron, and weight
OFFSETS_MV = np.linspace(-12.0, 12.0, 25)  #: from the threshold, at which single neurons are measured


@dataclass(frozen=True)
class ActivationFit:
    """p(on) = sigmoid((v_mean - v_half_mV) / spread_mV), fitted to `measured` at `mean_mV`."""

    v_half_mV: float
    spread_mV: float
    mean_mV: np.ndarray
    measured: np.ndarray

    @property
    def fitted(self) -> np.ndarray:
        return 1 / (1 + np.exp(-(self.mean_mV - self.v_half_mV) / self.spread_mV))


def conductance_uS() -> float:
    """Mean total conductance of a neuron without input from others."""
    return NUMBERS["g_leak"] + 2 * _background_uS()


def current_nA(mean_mV: np.ndarray) -> np.ndarray:
    """The current that brings the mean potential of a neuron without threshold to `mean_mV`."""
    driven = NUMBERS["g_leak"] * NUMBERS["v_leak"] + _background_uS() * (NUMBERS["v_exc"] + NUMBERS["v_inh"])
    return conductance_uS() * mean_mV - driven


def calibrate(duration_ms: float, seed: int) -> ActivationFit:
    """Measure how often single neurons are on, and fit a logistic function by least squares."""
    from scipy.optimize import curve_fit

    mean_mV = NUMBERS["v_threshold"] + OFFSETS_MV
    steps = round(duration_ms / DT_MS)
    spikes = run_network(_network(mean_mV, {}), steps, seed).spikes[NEURONS]
    measured = is_on(spikes, len(mean_mV), steps).mean(0)
    (half, spread), _ = curve_fit(lambda v, h, a: 1 / (1 + np.exp(-(v - h) / a)), mean_mV, measured, (-50.0, 2.0))
    return ActivationFit(float(half), float(spread), mean_mV, measured)


def sampling_network(weight: np.ndarray, bias: np.ndarray, calibration: ActivationFit) -> EventNetwork:
    """Neurons that sample from the Boltzmann machine with weight [N, N] and bias [N], temperature 1."""
    lasting = calibration.spread_mV * weight / potential_per_uS()
    drive = {sign: NUMBERS[f"v_{sign}"] - calibration.v_half_mV for sign in ("exc", "inh")}
    conductances = {
        "exc": np.maximum(lasting, 0) / drive["exc"],
        "inh": np.minimum(lasting, 0) / drive["inh"],
    }  # positive, both
    return _network(calibration.v_half_mV + calibration.spread_mV * bias, conductances)


def potential_per_uS() -> float:
    """Mean over tau_ref of the change of potential after a spike, per uS of its synapse and mV of driving potential."""
    tau_eff = NUMBERS["c_mem"] / conductance_uS()
    rises = TAU_SYN_MS * (1 - np.exp(-REFRACTORY_MS / TAU_SYN_MS)) - tau_eff * (1 - np.exp(-REFRACTORY_MS / tau_eff))
    return float(rises / (NUMBERS["c_mem"] * (1 / tau_eff - 1 / TAU_SYN_MS)) / REFRACTORY_MS)


def is_on(spikes: tuple[np.ndarray, np.ndarray], size: int, steps: int) -> np.ndarray:
    """[steps, N] bool: whether a neuron is refractory after each step, from its spikes (step, neuron)."""
    change, lasting = np.zeros((steps + 1, size), np.int8), round(REFRACTORY_MS / DT_MS)
    at, neurons = spikes
    np.add.at(change, (at, neurons), 1)
    np.add.at(change, (np.minimum(at + lasting, steps), neurons), -1)
    return change[:-1].cumsum(0, dtype=np.int8) > 0


def _background_uS() -> float:
    return BACKGROUND_US * BACKGROUND_HZ * TAU_SYN_MS / 1000.0


def _network(mean_mV: np.ndarray, conductances: Mapping[str, np.ndarray]) -> EventNetwork:
    size, background = len(mean_mV), _background_uS()
    start = {"v": NUMBERS["v_leak"], "g_exc": background, "g_inh": background, "current": current_nA(mean_mV)}
    population = EventPopulation(
        size, "v > v_threshold", EQUATIONS, reset="v = v_reset", after="s = 1", refractory_ms=REFRACTORY_MS, start=start,
        drives=tuple(PoissonDrive(f"g_{sign}", BACKGROUND_US, BACKGROUND_HZ) for sign in ("exc", "inh")),
    )  # fmt: skip
    projections = {
        sign: EventProjection(NEURONS, NEURONS, weight, on_pre=f"g_{sign}_post += w * (1 - s_pre)")
        for sign, weight in conductances.items()
    }
    return EventNetwork(DT_MS, {NEURONS: population}, projections, {"tau_syn": TAU_SYN_MS}, NUMBERS)
