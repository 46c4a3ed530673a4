"""Event networks compiled for one CPU core: equations become a kernel, parameters arrays, and results are converted back."""

import time
from collections.abc import Iterable

import numpy as np

from neurorec.basics.errors import CannotRun
from neurorec.engines.event_engine import EventEngine, event_engines
from neurorec.engines.event_network import EventNetwork, EventRun
from neurorec.engines.plastic.arrays import network_arrays, results
from neurorec.engines.plastic.kernel_code import load_kernel, table_of
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.network_plan import NetworkPlan, plan_network

ENGINE = "plastic (LLVM)"
STEPS_AT_ONCE = 50_000  #: Ctrl-C is handled in between


@event_engines.register("plastic")
class OnPlastic(EventEngine):
    priority = 1
    title = ENGINE

    def why_not(self, network: EventNetwork) -> str | None:
        try:
            plan_network(network)
        except CannotRun as refused:
            return str(refused).removeprefix("engine plastic cannot run ")
        return None

    def run_network(
        self, network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None
    ) -> EventRun:
        return run_network(network, steps, seed, record)


def run_network(network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None) -> EventRun:
    """As `EventEngine.run_network`.

    Raises
    ------
    CannotRun
        If an equation is outside the language of `plastic.language`; Brian2 runs it.
    """
    start_s = time.perf_counter()
    plan = plan_network(network)
    recorded = tuple(network.populations if record is None else record)
    kernel = Kernel(plan, recorded)
    arrays = network_arrays(plan, steps)
    arrays["constants"] = np.array([*network.constants.values(), 0.0])
    arrays["random"] = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    run = load_kernel(kernel.text, [arrays[name] for name in kernel.arrays]).run
    ready_s, t = time.perf_counter(), 0
    while t < steps:
        table = table_of([arrays[name] for name in kernel.arrays])
        t = run(t, min(steps, t + STEPS_AT_ONCE), network.dt_ms, table.ctypes.data)
        _make_space(plan, recorded, arrays)
    done_s = time.perf_counter()
    return results(plan, steps, arrays, recorded, ENGINE, done_s - ready_s, ready_s - start_s)


def _make_space(plan: NetworkPlan, recorded: tuple[str, ...], arrays: dict[str, np.ndarray]) -> None:
    """Double the spike buffers that cannot hold the next step."""
    for name in recorded:
        key = plan.populations[name].key
        length = len(arrays[f"{key}_when"])
        if arrays[f"{key}_total"][0] + arrays[f"{key}_ring"].shape[1] > length:
            for part in (f"{key}_when", f"{key}_who"):
                arrays[part] = np.concatenate([arrays[part], np.empty(length, np.int32)])
