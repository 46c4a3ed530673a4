"""What a plastic network cannot do without, at rates measured here: the time no program for this core can be far below.

* A synaptic event in a list of synapses changes one number of a target that may be anywhere: one addition at a random place.
* A synaptic event in a full matrix, and a neuron that moves, read and write numbers in a row.
* A random spike takes one logarithm of a random number.
"""

import time
from typing import Any

import numpy as np

from neurorec.engines.event_network import EventNetwork, EventRun, PoissonTrain
from neurorec.engines.plastic.kernel_code import load_kernel, table_of
from neurorec.engines.plastic.network_plan import plan_network

SCATTER = """
def run(begin, end, dt, post, w, g) -> int:
    for t in range(begin, end):
        for e in range(post.shape[0]):
            g[post[e]] += w[e]
    return end
"""
STREAM = """
def run(begin, end, dt, a, b) -> int:
    for t in range(begin, end):
        for i in range(a.shape[0]):
            b[i] += a[i] * dt
    return end
"""
LOGARITHMS = """
def run(begin, end, dt, a, b) -> int:
    for t in range(begin, end):
        for i in range(a.shape[0]):
            b[i] += math.log(a[i])
    return end
"""


def rates(targets: int = 4000, synapses: int = 320_000) -> dict[str, float]:
    """ns of an addition at a random place (`synapses` of them, in rows as of a network), of a byte of state (`targets`
    numbers), and of a logarithm."""
    random = np.random.default_rng(0)
    post = np.sort(random.integers(0, targets, (synapses // 80, 80)), axis=1).ravel().astype(np.uint32)
    state = [random.random(targets) + 0.5 for _ in range(2)]
    return {
        "scatter_ns": _ns(SCATTER, [post, np.ones(len(post)), np.zeros(targets)], 20) / len(post),
        "byte_ns": _ns(STREAM, state, 5000) / (24 * targets),
        "logarithm_ns": _ns(LOGARITHMS, state, 200) / targets,
    }


def _ns(text: str, arrays: list[np.ndarray], times: int) -> float:
    """Of one pass, the fastest of seven."""
    run, table = load_kernel(text, arrays).run, table_of(arrays)
    found = []
    for _ in range(7):
        start_ns = time.perf_counter_ns()
        run(0, times, 1e-9, table.ctypes.data)
        found.append((time.perf_counter_ns() - start_ns) / times)
    return min(found)


def work(network: EventNetwork, seen: EventRun, steps: int) -> dict[str, float]:
    """Synaptic events in lists, bytes that rows and moving neurons take, and random spikes; `seen` recorded all spikes."""
    plan, found = plan_network(network), {"list_events": 0.0, "bytes": 0.0, "random_spikes": 0.0}
    for name, p in plan.populations.items():
        found["bytes"] += steps * p.population.size * 16 * len(p.moving)
        found["random_spikes"] += seen.counts[name] if isinstance(p.population.fires, PoissonTrain) else 0
    for p in plan.projections.values():
        given = p.projection
        for end, other, at, learns in (
            (given.source, given.target, given.pre, True), (given.target, given.source, given.post, bool(given.on_post)),
        ):  # fmt: skip
            spikes = np.bincount(seen.spikes[end][1], minlength=network.populations[end].size)
            if at is None:
                row = network.populations[other].size
                found["bytes"] += 16.0 * float(spikes.sum()) * row * learns
            else:
                found["list_events"] += float(spikes @ np.bincount(at, minlength=len(spikes))) * learns
    return found


def limit_s(done: dict[str, float], rate: dict[str, float]) -> float:
    return 1e-9 * (
        done["list_events"] * rate["scatter_ns"] + done["bytes"] * rate["byte_ns"]
        + done["random_spikes"] * rate["logarithm_ns"]
    )  # fmt: skip


def synapse_bytes(network: EventNetwork, steps: int) -> dict[str, Any]:
    """Bytes of all arrays as long as there are synapses, and of the peak while they are built, for each synapse."""
    import tracemalloc

    from neurorec.engines.plastic.arrays import network_arrays

    synapses = sum(np.size(p.weights) for p in network.projections.values())
    plan = plan_network(network)
    network_arrays(plan, steps)  # imports
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    arrays = network_arrays(plan, steps)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    sizes = {key: np.size(p.projection.weights) for key, p in ((p.key, p) for p in plan.projections.values())}
    kept = sum(
        a.nbytes for name, a in arrays.items() if a.size == sizes.get(name.split("_")[0]) and name.startswith("s")
    )
    return {"kept": kept / synapses, "building": peak / synapses}
