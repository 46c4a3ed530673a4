"""The networks of the plastic benchmark, as event networks; the same as Brian2's own example scripts describe."""

import numpy as np

from neurorec.engines.connect import connect_by_chance
from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, PoissonTrain

CUBA_NEURONS = """dv/dt = (ge + gi - (v - v_rest)) / tau_m : 1 (unless refractory)
dge/dt = -ge / tau_e : 1
dgi/dt = -gi / tau_i : 1"""
TRACES = "\ndx/dt = -x / tau_pre : 1\ndy/dt = -y / tau_post : 1"
ON_PRE = "\nw = clip(w - depression * y_post, 0, weight_max)"
ON_POST = "w = clip(w + potentiation * x_pre, 0, weight_max)"


def cuba(plastic: bool = False, neurons: int = 4000, share: float = 0.02, seed: int = 0) -> EventNetwork:
    """Vogels & Abbott's current-based network (Brian2's example CUBA); with STDP of the excitatory synapses if plastic."""
    random, excitatory = np.random.default_rng(seed), neurons * 4 // 5
    learn = {"on_pre": "ge_post += w" + ON_PRE, "on_post": ON_POST} if plastic else {"on_pre": "ge_post += w"}
    traces = {"reset": "\ny += 1", "after": "x += 1"} if plastic else {"reset": "", "after": ""}
    population = EventPopulation(
        neurons, "v > v_threshold", CUBA_NEURONS + (TRACES if plastic else ""), reset="v = v_reset" + traces["reset"],
        after=traces["after"], refractory_ms=5.0, method="exact", start={"v": -60 + 10 * random.random(neurons)},
    )  # fmt: skip
    pre, post = connect_by_chance(random, neurons, neurons, share)
    first = int(np.searchsorted(pre, excitatory))
    e = EventProjection("neurons", "neurons", np.full(first, 60 * 0.27 / 10), pre[:first], post[:first], **learn)
    i = EventProjection("neurons", "neurons", np.full(len(pre) - first, -20 * 4.5 / 10), pre[first:], post[first:],
                   on_pre="gi_post += w")  # fmt: skip
    return EventNetwork(
        0.1, {"neurons": population}, {"excitation": e, "inhibition": i},
        times_ms={"tau_m": 20.0, "tau_e": 5.0, "tau_i": 10.0, "tau_pre": 20.0, "tau_post": 20.0},
        numbers={"v_rest": -49.0, "v_threshold": -50.0, "v_reset": -60.0, "potentiation": 0.01, "depression": 0.0105,
                 "weight_max": 3.24},
    )  # fmt: skip


def song_miller_abbott(inputs: int = 1000, neurons: int = 1, rate_Hz: float = 15.0, seed: int = 0) -> EventNetwork:
    """Brian2's example STDP: Poisson lines onto one neuron; with more neurons, each has its own lines."""
    random = np.random.default_rng(seed)
    lines = EventPopulation(
        inputs, PoissonTrain(rate_Hz), "dx/dt = -x / tau_pre : 1", after="x += d_pre", method="exact"
    )
    neuron = EventPopulation(
        neurons, "v > v_threshold",
        "dv/dt = (ge * (e_e - v) + e_leak - v) / tau_m : 1\ndge/dt = -ge / tau_e : 1\ndy/dt = -y / tau_post : 1",
        reset="v = v_reset\ny += d_post", start={"v": -60.0},
    )  # fmt: skip
    synapses = EventProjection(
        "lines", "neurons", random.random(inputs) * 0.01, np.arange(inputs), np.arange(inputs) * neurons // inputs,
        on_pre="ge_post += w\nw = clip(w + y_post, 0, g_max)", on_post="w = clip(w + x_pre, 0, g_max)",
    )  # fmt: skip
    return EventNetwork(
        0.1, {"lines": lines, "neurons": neuron}, {"synapses": synapses},
        times_ms={"tau_m": 10.0, "tau_e": 5.0, "tau_pre": 20.0, "tau_post": 20.0},
        numbers={"v_threshold": -54.0, "v_reset": -60.0, "e_leak": -74.0, "e_e": 0.0, "g_max": 0.01, "d_pre": 0.01 * 0.01,
                 "d_post": -0.01 * 1.05 * 0.01},
    )  # fmt: skip


EXCITATORY = """dv/dt = (-65 - v + ge * (0 - v) + gi * (-100 - v)) / tau_exc : 1 (unless refractory)
dge/dt = -ge / tau_ge : 1
dgi/dt = -gi / tau_gi : 1
dtheta/dt = -theta / tau_theta : 1
dpost1/dt = -post1 / tau_post1 : 1
dpost2/dt = -post2 / tau_post2 : 1"""
INHIBITORY = """dv/dt = (-60 - v + ge * (0 - v) + gi * (-85 - v)) / tau_inh : 1 (unless refractory)
dge/dt = -ge / tau_ge : 1
dgi/dt = -gi / tau_gi : 1"""
SAMPLE_STEPS = 1000  #: 350 ms of picture and 150 ms of rest, at 0.5 ms


def diehl_cook(pictures: int = 20, neurons: int = 100, seed: int = 0) -> EventNetwork:
    """Diehl & Cook (2015): 784 Poisson lines, excitatory and inhibitory neurons, triplet STDP, weights scaled to 78.

    The images are blobs with about the brightness of MNIST (a mean of 0.13), since speed depends only on rates; rest is
    made of alternate samples of rate 0.
    """
    random = np.random.default_rng(seed)
    rates_Hz = np.repeat(_blobs(random, pictures), 2, axis=0)
    rates_Hz[1::2] = 0
    lines = EventPopulation(784, PoissonTrain(rates_Hz), "dx/dt = -x / tau_pre : 1", after="x = 1")
    e = EventPopulation(
        neurons, "v > theta - 72", EXCITATORY, reset="v = -65\ntheta += 0.05\npost1 = 1", after="post2 = 1",
        refractory_ms=5.0, start={"v": -105.0, "theta": 20.0},
    )  # fmt: skip
    i = EventPopulation(neurons, "v > -40", INHIBITORY, reset="v = -45", refractory_ms=2.0, start={"v": -100.0})
    own = np.arange(neurons)
    one, other = np.nonzero(~np.eye(neurons, dtype=bool))
    projections = {
        "input": EventProjection(
            "lines", "e", 0.003 + 0.3 * random.random((784, neurons)),
            on_pre="ge_post += w\nw = clip(w - 0.0001 * post1_post, 0, 1)",
            on_post="w = clip(w + 0.01 * x_pre * post2_post, 0, 1)", weight_sum=78.0, weight_max=1.0,
        ),
        "excite": EventProjection("e", "i", np.full(neurons, 10.4), own, own, on_pre="ge_post += w"),
        "inhibit": EventProjection("i", "e", np.full(len(one), 17.0), one, other, on_pre="gi_post += w"),
    }  # fmt: skip
    return EventNetwork(
        0.5, {"lines": lines, "e": e, "i": i}, projections,
        times_ms={"tau_exc": 100.0, "tau_inh": 10.0, "tau_ge": 1.0, "tau_gi": 2.0, "tau_theta": 1e7, "tau_pre": 20.0,
                  "tau_post1": 20.0, "tau_post2": 40.0},
        sample_steps=SAMPLE_STEPS // 2,
    )  # fmt: skip


def _blobs(random: np.random.Generator, pictures: int) -> np.ndarray:
    """Rates in Hz, up to 63.75, of soft strokes on 28 x 28 points."""
    y, x = np.mgrid[0:28, 0:28]
    found = np.zeros((pictures, 784))
    for picture in range(pictures):
        image = np.zeros((28, 28))
        for _ in range(3):
            cy, cx, sy, sx = *random.uniform(8, 20, 2), *random.uniform(1.2, 3.5, 2)
            image = np.maximum(image, np.exp(-((y - cy) ** 2) / (2 * sy**2) - (x - cx) ** 2 / (2 * sx**2)))
        found[picture] = 63.75 * np.where(image > 0.2, image, 0).ravel()
    return found
