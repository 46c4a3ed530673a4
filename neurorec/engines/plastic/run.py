"""Run an event network: equations to a kernel, numbers to arrays, and back."""

import time
from collections.abc import Iterable

import numpy as np

from neurorec.engines.event_network import EventNetwork, EventRun
from neurorec.engines.plastic.arrays import network_arrays, results
from neurorec.engines.plastic.compiled import load_kernel
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.plan import plan_network

ENGINE = "plastic (numba)"


def run_network(network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None) -> EventRun:
    """Run `steps` steps of dt_ms from the network's start; spikes of `record` (all populations if None) are kept.

    The same seed gives the same spikes. Nothing in `network` is changed.

    Raises
    ------
    CannotRun
        If an equation lies outside the language of `plastic.language`; Brian2 runs it.
    """
    start_s = time.perf_counter()
    plan = plan_network(network)
    recorded = tuple(network.populations if record is None else record)
    kernel = Kernel(plan, recorded)
    arrays = network_arrays(plan, steps)
    constants = np.array([*network.constants.values(), 0.0])
    random = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    run = load_kernel(kernel.text)
    used = [arrays[name] for name in kernel.arrays]
    run.compile(_signature((steps, network.dt_ms, constants, random, *used)))  # type: ignore[attr-defined]
    ready_s = time.perf_counter()
    found = run(steps, network.dt_ms, constants, random, *used)
    done_s = time.perf_counter()
    return results(plan, steps, arrays, found, recorded, ENGINE, done_s - ready_s, ready_s - start_s)


def _signature(values: tuple) -> tuple:
    from numba import typeof

    return tuple(typeof(value) for value in values)
