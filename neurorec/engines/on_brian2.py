"""Event networks in Brian2: the reference for the compiled engine, and the engine for arbitrary equations.

No other file imports Brian2. Every object has a fixed name, so that the generated code does not change between runs and
Brian2 finds the compiled code on disk.
"""

import logging
import re
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from neurorec.basics.files import user_cache
from neurorec.engines.event_engine import EventEngine, event_engines
from neurorec.engines.event_network import (
    EventNetwork,
    EventProjection,
    EventRun,
    PoissonTrain,
    SpikeStream,
    SpikeTrain,
)

log = logging.getLogger(__name__)

#: every `on_post` runs before any `on_pre`, each in the order of the projections
EARLIER = 1000


@event_engines.register("brian2")
class OnBrian2(EventEngine):
    """`target` is "cython", "numpy" or "auto"."""

    priority = 0

    def __init__(self, target: str = "auto") -> None:
        self.target = code_target() if target == "auto" else target
        self.title = f"brian2 ({self.target})"

    def why_not(self, network: EventNetwork) -> str | None:
        return None  # Brian2 itself refuses equations that it cannot read

    def run_network(
        self, network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None
    ) -> EventRun:
        return run_network(network, steps, seed, record, self.target)


@cache
def code_target() -> str:
    """Brian2's compiled target if a C++ compiler works, otherwise "numpy"; logs which, once per process."""
    with brian2_preferences("numpy"):
        from brian2.codegen.runtime.cython_rt import CythonCodeObject
        from brian2.utils.logger import catch_logs

        with catch_logs():  # without a compiler Brian2 warns about every flag; the line below is enough
            compiled = bool(CythonCodeObject.is_available())
    if compiled:
        log.info("Brian2 runs compiled code (cython)")
        return "cython"
    log.info("Brian2 runs NumPy code, several times slower: no working C++ compiler was found")
    return "numpy"


@contextmanager
def brian2_preferences(target: str) -> Iterator[None]:
    """Set Brian2's global preferences for this engine, and restore them afterwards."""
    with warnings.catch_warnings():
        # Brian2 uses deprecated names of pyparsing; nothing a user could act on
        warnings.simplefilter("ignore", DeprecationWarning)
        from brian2 import prefs

        names = ("codegen.target", "codegen.runtime.cython.cache_dir", "codegen.runtime.cython.multiprocess_safe")
        before = [prefs[name] for name in names]
        try:
            # several workers may compile at once: the cache is per user, and Brian2 locks it
            for name, value in zip(names, (target, str(user_cache("brian2")), True), strict=True):
                prefs[name] = value
            yield
        finally:
            for name, value in zip(names, before, strict=True):
                prefs[name] = value


def run_network(
    network: EventNetwork, steps: int, seed: int = 0, record: Iterable[str] | None = None, target: str = "auto"
) -> EventRun:
    """As `EventEngine.run_network`; `target` is "cython", "numpy" or "auto". Random spikes differ between targets."""
    target = code_target() if target == "auto" else target
    with brian2_preferences(target):
        import brian2

        brian2.seed(seed)
        return _run(brian2, network, steps, tuple(network.populations if record is None else record), target)


def _run(brian2: Any, network: EventNetwork, steps: int, record: tuple[str, ...], target: str) -> EventRun:
    start_s = time.perf_counter()
    dt = network.dt_ms * brian2.ms
    shared = {"clock": brian2.Clock(dt, name="neurorec_clock"), "namespace": _namespace(brian2, network)}
    groups = {name: _group(brian2, network, f"p{k}", name, steps, shared) for k, name in enumerate(network.populations)}
    synapses = {
        name: _synapses(brian2, projection, k, groups, shared)
        for k, (name, projection) in enumerate(network.projections.items())
    }
    monitors = {
        name: brian2.SpikeMonitor(group, record=name in record, name=f"{group.name}_spikes")
        for name, group in groups.items()
    }
    begun_s: list[float] = []
    first = brian2.NetworkOperation(
        lambda: begun_s.append(time.perf_counter()), dt=max(steps, 1) * dt, when="start", order=-1
    )
    extra = [*_between_samples(brian2, network, groups, synapses, dt), *_rewards(brian2, network, synapses, shared)]
    everything = brian2.Network(*groups.values(), *synapses.values(), *monitors.values(), first, *extra)
    everything.run(steps * dt, namespace={})
    done_s = time.perf_counter()
    first_s = begun_s[0] if begun_s else done_s
    return EventRun(
        spikes={n: (np.rint(np.asarray(monitors[n].t / dt)).astype(int), np.asarray(monitors[n].i)) for n in record},
        counts={n: int(m.num_spikes) for n, m in monitors.items()}, state=_state(network, groups, synapses),
        weights={n: np.array(s.w).reshape(network.projections[n].weights.shape) for n, s in synapses.items()},
        engine=f"brian2 ({target})", wall_s=done_s - first_s, prepare_s=first_s - start_s,
    )  # fmt: skip


def _namespace(brian2: Any, network: EventNetwork) -> dict[str, Any]:
    return {**{name: value * brian2.ms for name, value in network.times_ms.items()}, **network.numbers, "reward": 0.0}


def _group(brian2: Any, network: EventNetwork, key: str, name: str, steps: int, shared: dict[str, Any]) -> Any:
    population = network.populations[name]
    refractory = {"refractory": population.refractory_ms * brian2.ms} if population.refractory_ms else {}
    equations = population.equations if refractory else population.equations.replace("(unless refractory)", "")
    condition = _condition(brian2, network, key, name, steps, shared)
    group = brian2.NeuronGroup(
        population.size, equations, threshold=condition, reset=population.reset, method=population.method,
        name=f"neurorec_{key}", **refractory, **shared,
    )  # fmt: skip
    if population.reset:
        group.resetter["spike"].when = "before_synapses"
    if population.after:
        group.contained_objects.append(_after(group, population.after))
    for k, drive in enumerate(population.drives):
        code = f"{drive.onto} += {float(drive.amount)!r} * poisson({float(drive.rate_Hz * network.dt_ms / 1000)!r})"
        group.run_regularly(code, clock=group.clock, when="synapses", order=k - EARLIER, name=f"{group.name}_drive{k}")
    for variable, values in population.start.items():
        setattr(group, variable, values)
    return group


def _after(group: Any, code: str) -> Any:
    """Further code at a neuron's spike; `run_on_event` allows only one piece, which is the reset."""
    from brian2.groups.group import CodeRunner

    return CodeRunner(
        group, "reset", code=code, clock=group.clock, when="after_synapses", name=f"{group.name}_after",
        override_conditional_write=["not_refractory"], needed_variables=["_spikespace"],
        template_kwds={"eventspace_variable": group.variables["_spikespace"]},
    )  # fmt: skip


def _condition(brian2: Any, network: EventNetwork, key: str, name: str, steps: int, shared: dict[str, Any]) -> str:
    population = network.populations[name]
    fires, dt = population.fires, network.dt_ms * brian2.ms
    fires = fires.whole() if isinstance(fires, SpikeStream) else fires
    if isinstance(fires, SpikeTrain):
        table = np.zeros((max(steps, 1), population.size))
        inside = fires.steps < steps
        table[fires.steps[inside], fires.neurons[inside]] = 1
        shared["namespace"][f"train_{key}"] = brian2.TimedArray(table, dt=dt, name=f"neurorec_train_{key}")
        return f"train_{key}(t, i) > 0"
    if isinstance(fires, PoissonTrain):
        rates_Hz = np.atleast_2d(fires.rates_Hz) * np.ones((1, population.size))
        shared["namespace"][f"rates_{key}"] = brian2.TimedArray(
            rates_Hz * brian2.Hz, dt=(network.sample_steps or max(steps, 1)) * dt, name=f"neurorec_rates_{key}"
        )
        return f"rand() < rates_{key}(t, i) * dt"
    return fires


def _synapses(
    brian2: Any, projection: EventProjection, number: int, groups: dict[str, Any], shared: dict[str, Any]
) -> Any:
    state = "\n".join(f"{line} (clock-driven)" for line in projection.state.splitlines() if line.strip())
    found = brian2.Synapses(
        groups[projection.source], groups[projection.target], f"w : 1\n{state}", on_pre=projection.on_pre or None,
        on_post=projection.on_post or None, method="euler", name=f"neurorec_s{number}", **shared,
    )  # fmt: skip
    if projection.pre is None:
        found.connect()
    else:
        found.connect(i=projection.pre, j=projection.post)
    found.w = np.ravel(projection.weights)
    if projection.on_pre:
        found.pre.order = number
        found.pre.delay = np.asarray(projection.delay_ms) * brian2.ms
    if projection.on_post:
        found.post.order = number - EARLIER
    return found


def _between_samples(
    brian2: Any, network: EventNetwork, groups: dict[str, Any], synapses: dict[str, Any], dt: Any
) -> list[Any]:
    if not network.sample_steps:
        return []

    def begin() -> None:
        for name, projection in network.projections.items():
            if projection.weight_sum is not None:
                _scale(synapses[name], projection, network.populations[projection.target].size)
        for name, population in network.populations.items():
            for variable, value in population.at_sample.items():
                groups[name].variables[variable].get_value()[:] = value

    return [brian2.NetworkOperation(begin, dt=network.sample_steps * dt, when="start")]


def _scale(synapses: Any, projection: EventProjection, targets: int) -> None:
    weights, post = synapses.variables["w"].get_value(), np.asarray(synapses.j)
    sums = np.bincount(post, weights, minlength=targets)
    weights *= (projection.weight_sum / np.where(sums > 0, sums, np.inf))[post]
    np.minimum(weights, projection.weight_max, out=weights)


def _rewards(brian2: Any, network: EventNetwork, synapses: dict[str, Any], shared: dict[str, Any]) -> list[Any]:
    reward = network.reward
    if reward is None:
        return []
    clock = shared["clock"]

    def pay() -> None:
        for amount in reward.neurons[reward.steps == round(float(clock.t / clock.dt))]:
            shared["namespace"]["reward"] = float(amount)
            for name, projection in network.projections.items():
                for line in filter(str.strip, projection.on_reward.splitlines()):
                    variable, operator, value = re.fullmatch(r"\s*(\w+)\s*([+\-*/]?)=\s*(.+)", line).groups()  # type: ignore[union-attr]
                    setattr(synapses[name], variable, f"{variable} {operator} ({value})" if operator else value)

    return [brian2.NetworkOperation(pay, clock=clock, when="end")]


def _state(network: EventNetwork, groups: dict[str, Any], synapses: dict[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    def values(group: Any) -> dict[str, np.ndarray]:
        names = (group.equations.eq_names | group.equations.parameter_names) - {"w"}
        return {variable: np.array(getattr(group, variable)) for variable in names}

    return {name: values(group) for name, group in {**groups, **synapses}.items()}
