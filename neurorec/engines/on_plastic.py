"""Event networks compiled for one CPU core: equations become a kernel, parameters arrays, and results are converted back."""

import time
from collections.abc import Iterable

import numpy as np

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.event_engine import EventEngine, event_engines
from neurorec.engines.event_network import EventNetwork, EventRun, SpikeStream
from neurorec.engines.plastic.arrays import NO_SPIKES, network_arrays, results, train_arrays
from neurorec.engines.plastic.kernel_code import load_kernel, table_of
from neurorec.engines.plastic.kernel_source import Kernel
from neurorec.engines.plastic.network_plan import NetworkPlan, check_train, plan_network

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
    streams = [_Feed(name, plan, arrays) for name, p in network.populations.items() if isinstance(p.fires, SpikeStream)]
    while t < steps:
        end = min([steps, t + STEPS_AT_ONCE, *(stream.until(t) for stream in streams)])
        table = table_of([arrays[name] for name in kernel.arrays])
        t = run(t, end, network.dt_ms, table.ctypes.data)
        _make_space(plan, recorded, arrays)
    done_s = time.perf_counter()
    return results(plan, steps, arrays, recorded, ENGINE, done_s - ready_s, ready_s - start_s)


class _Feed:
    """Puts the parts of a spike stream into the kernel's arrays, each when the run reaches it."""

    def __init__(self, name: str, plan: NetworkPlan, arrays: dict[str, np.ndarray]) -> None:
        self.name, self.plan, self.arrays = name, plan.populations[name], arrays
        stream: SpikeStream = self.plan.population.fires  # type: ignore[assignment]
        self.length, self.parts, self.end = stream.steps, stream.parts(), 0

    def until(self, t: int) -> int:
        """The step at which the spikes of step t's part end."""
        if t >= self.end:
            train, start = next(self.parts, NO_SPIKES), self.end
            self.end += self.length
            check_train(self.name, train, self.plan.population.size)
            if len(train.steps) and not start <= train.steps[0] <= train.steps[-1] < self.end:
                raise InputError(
                    f"population {self.name}: a part of its spike stream has spikes in steps {train.steps[0]} to "
                    f"{train.steps[-1]}, outside {start} to {self.end - 1}; count steps from the start of the run"
                )
            self.arrays |= {f"{self.plan.key}_{part}": values for part, values in train_arrays(train).items()}
        return self.end


def _make_space(plan: NetworkPlan, recorded: tuple[str, ...], arrays: dict[str, np.ndarray]) -> None:
    """Double the spike buffers that cannot hold the next step."""
    for name in recorded:
        key = plan.populations[name].key
        length = len(arrays[f"{key}_when"])
        if arrays[f"{key}_total"][0] + arrays[f"{key}_ring"].shape[1] > length:
            for part in (f"{key}_when", f"{key}_who"):
                arrays[part] = np.concatenate([arrays[part], np.empty(length, np.int32)])
