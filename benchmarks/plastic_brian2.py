"""The benchmark's networks as Brian2 users write them (after Brian2's examples CUBA and STDP), for one timed run.

    python -m benchmarks.plastic_brian2 CASE cython|cpp_standalone

prints one line of JSON: seconds of stepping (cython only), seconds in all, spikes. Cython runs the network twice and
reports the second run: its code is then compiled and loaded.
"""

import json
import sys
import tempfile
import time

import numpy as np

from benchmarks import plastic_networks as networks


def cuba(b2, plastic=False, neurons=4000, share=0.02):
    random = np.random.default_rng(0)
    n = b2.NeuronGroup(
        neurons, "dv/dt = (ge + gi - (v + 49)) / (20*ms) : 1 (unless refractory)\ndge/dt = -ge / (5*ms) : 1\n"
        "dgi/dt = -gi / (10*ms) : 1", threshold="v > -50", reset="v = -60", refractory=5 * b2.ms, method="exact",
    )  # fmt: skip
    n.v = -60 + 10 * random.random(neurons)
    stdp = {
        "model": "w : 1\ndx/dt = -x / (20*ms) : 1 (event-driven)\ndy/dt = -y / (20*ms) : 1 (event-driven)",
        "on_pre": "ge += w\nx += 0.01\nw = clip(w - 1.05 * y, 0, 3.24)", "on_post": "y += 0.01\nw = clip(w + x, 0, 3.24)",
    }  # fmt: skip
    excitatory = neurons * 4 // 5
    e = b2.Synapses(n[:excitatory], n, **(stdp if plastic else {"model": "w : 1", "on_pre": "ge += w"}))
    e.connect(p=share)
    e.w = 1.62
    i = b2.Synapses(n[excitatory:], n, on_pre="gi -= 9")
    i.connect(p=share)
    return [n, e, i, b2.SpikeMonitor(n)], 1.0 * b2.second


def song_miller_abbott(b2, inputs=1000, neurons=1, rate_Hz=15):
    lines = b2.PoissonGroup(inputs, rates=rate_Hz * b2.Hz)
    n = b2.NeuronGroup(
        neurons, "dv/dt = (ge * (0 - v) - 74 - v) / (10*ms) : 1\ndge/dt = -ge / (5*ms) : 1", threshold="v > -54",
        reset="v = -60", method="euler",
    )  # fmt: skip
    n.v = -60
    s = b2.Synapses(
        lines, n, "w : 1\ndApre/dt = -Apre / (20*ms) : 1 (event-driven)\ndApost/dt = -Apost / (20*ms) : 1 (event-driven)",
        on_pre="ge += w\nApre += 0.0001\nw = clip(w + Apost, 0, 0.01)",
        on_post="Apost += -0.000105\nw = clip(w + Apre, 0, 0.01)",
    )  # fmt: skip
    s.connect(i=np.arange(inputs), j=np.arange(inputs) * neurons // inputs)
    s.w = np.random.default_rng(0).random(inputs) * 0.01
    return [lines, n, s, b2.SpikeMonitor(n)], 10 * b2.second


def diehl_cook(b2):
    net = networks.diehl_cook()
    ms, dt = b2.ms, 0.5 * b2.ms
    rates_Hz = b2.TimedArray(net.populations["lines"].fires.rates_Hz * b2.Hz, dt=500 * dt)
    lines = b2.PoissonGroup(784, rates="rates_Hz(t, i)", namespace={"rates_Hz": rates_Hz})
    times = {name: value * ms for name, value in net.times_ms.items()}
    excitatory = networks.EXCITATORY.split("\ndpost1")[0]
    e = b2.NeuronGroup(100, excitatory, threshold="v > theta - 72", reset="v = -65\ntheta += 0.05", refractory=5 * ms,
                       method="euler", namespace=times)  # fmt: skip
    i = b2.NeuronGroup(100, networks.INHIBITORY, threshold="v > -40", reset="v = -45", refractory=2 * ms, method="euler",
                       namespace=times)  # fmt: skip
    e.v, e.theta, i.v = -105, 20, -100
    s = b2.Synapses(
        lines, e, "w : 1\npost2before : 1\ndpre/dt = -pre / tau_pre : 1 (event-driven)\n"
        "dpost1/dt = -post1 / tau_post1 : 1 (event-driven)\ndpost2/dt = -post2 / tau_post2 : 1 (event-driven)",
        on_pre="ge += w\npre = 1\nw = clip(w - 0.0001 * post1, 0, 1)",
        on_post="post2before = post2\nw = clip(w + 0.01 * pre * post2before, 0, 1)\npost1 = 1\npost2 = 1", namespace=times,
    )  # fmt: skip
    s.connect()
    s.w = net.projections["input"].weights.ravel()
    weights = s.variables["w"]

    def scale():
        w = weights.get_value().reshape(784, 100)
        w *= 78.0 / w.sum(0)

    ei = b2.Synapses(e, i, on_pre="ge += 10.4")
    ei.connect(j="i")
    ie = b2.Synapses(i, e, on_pre="gi += 17.0")
    ie.connect(condition="i != j")
    objects = [lines, e, i, s, ei, ie, b2.SpikeMonitor(e)]
    if b2.get_device().__class__.__name__ == "RuntimeDevice":  # C++ cannot call Python: there weights are not scaled
        objects.append(b2.NetworkOperation(scale, dt=500 * dt, when="start"))
    return objects, 20 * networks.SAMPLE_STEPS * dt


CASES = {
    "cuba": cuba, "cuba_stdp": lambda b2: cuba(b2, True), "stdp_1000": song_miller_abbott, "diehl_cook": diehl_cook,
}  # fmt: skip


def network(b2, case):
    """A case by name, or "neurons 1000" and the like: one of the points of growth in plastic_cpu."""
    if case in CASES:
        return CASES[case](b2)
    kind, value = case.split()
    if kind == "rate_Hz":
        return song_miller_abbott(b2, rate_Hz=float(value))
    return (
        cuba(b2, True, int(value), 80 / int(value)) if kind == "neurons" else cuba(b2, True, share=float(value) / 4000)
    )


def in_cython(b2, case):
    for _ in range(2):
        start_s, begun_s = time.perf_counter(), []
        b2.start_scope()
        b2.defaultclock.dt = (0.5 if case == "diehl_cook" else 0.1) * b2.ms
        objects, duration = network(b2, case)
        first = b2.NetworkOperation(lambda: begun_s.append(time.perf_counter()), dt=duration, when="start", order=-1)  # noqa: B023
        b2.Network(*objects, first).run(duration)
        done_s = time.perf_counter()
    spikes = next(int(o.num_spikes) for o in objects if isinstance(o, b2.SpikeMonitor))
    return {"stepping_s": done_s - begun_s[0], "total_s": done_s - start_s, "spikes": spikes}


def in_cpp_standalone(b2, case):
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        b2.set_device("cpp_standalone", directory=folder)
        b2.defaultclock.dt = (0.5 if case == "diehl_cook" else 0.1) * b2.ms
        objects, duration = network(b2, case)
        b2.Network(*objects).run(duration)
        total_s = time.perf_counter() - start_s
        spikes = next(int(o.num_spikes) for o in objects if isinstance(o, b2.SpikeMonitor))
        return {"stepping_s": b2.device._last_run_time, "total_s": total_s, "spikes": spikes}


def main(case, mode):
    import brian2 as b2

    if mode == "cython":
        b2.prefs.codegen.target = "cython"
    print(json.dumps((in_cython if mode == "cython" else in_cpp_standalone)(b2, case)))


if __name__ == "__main__":
    main(*sys.argv[1:])
