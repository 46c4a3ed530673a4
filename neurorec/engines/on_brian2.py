"""Brian2 runs spiking layers event by event, and changes their input weights while they run.

All samples go through one Brian2 run, one after another: a run per sample costs twenty times more, for Brian2 prepares
its code at every run. A sample of T steps takes T + 1 Brian2 steps: in the first one the state is cleared and the input
of step 0 is under way, for in Brian2 a spike moves the membrane of the following step.

The spikes equal those of the torch cell, one for one, on these conditions: the same dt; forward Euler in both; input
spikes of step t and recurrent spikes of step t - 1 are added to the current before the membrane moves at step t; no sum
lies within rounding of the threshold (Brian2 computes in double precision).

This file is longer than most because no other imports Brian2.
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.files import user_cache
from neurorec.engines.event_equations import EventEquations
from neurorec.models.cell import Cell
from neurorec.models.cells.competitive_lif import CompetitiveLIF
from neurorec.models.cells.lif import LIF

log = logging.getLogger(__name__)
#: fixed names keep the generated code equal from run to run, so that Brian2 finds it compiled on disk
NEURONS = "dv/dt = (v_leak - v + current) / tau_mem : 1\ndcurrent/dt = -current / tau_syn : 1\n"


@dataclass(frozen=True)
class Presentation:
    """What came of presenting B samples: spikes [T, B, H], counts [B, H], and the layer's state afterwards."""

    spikes: Tensor
    weights: Tensor  #: [H, I] input weights after the last sample
    theta: Tensor  #: [H] threshold offsets after the last sample
    target: str  #: how the code was generated: "cython", "numpy" or "LLVM"
    wall_s: float

    @property
    def counts(self) -> Tensor:
        return self.spikes.sum(0, dtype=torch.int64)


def why_not(cell: Cell) -> str | None:
    """Why Brian2 cannot run `cell` here, or None if it can."""
    if type(cell) in (LIF, CompetitiveLIF):
        return other_semantics(cell)
    return "neurorec writes the equations of lif and competitive_lif for Brian2, and of no other cell"


def other_semantics(cell: Cell) -> str | None:
    """What options of `cell` its event equations do not say, or None."""
    if isinstance(cell, LIF) and cell.card.reset != "zero":
        return f'its reset is "{cell.card.reset}", and the event equations say "zero" only'
    if isinstance(cell, LIF) and cell.learns_time_constants:
        return "its neurons learn time constants of their own, and the event equations have one for all"
    return None


@cache
def code_target() -> str:
    """Brian2's compiled target where a C++ compiler works, else "numpy"; says which, once in a process."""
    with brian2_preferences("numpy"):
        from brian2.codegen.runtime.cython_rt import CythonCodeObject
        from brian2.utils.logger import catch_logs

        with catch_logs():  # a missing compiler makes Brian2 warn about every flag; the line below says it once
            compiled = bool(CythonCodeObject.is_available())
    if compiled:
        log.info("Brian2 runs compiled code (cython)")
        return "cython"
    log.info("Brian2 runs NumPy code, several times slower: no working C++ compiler was found")
    return "numpy"


def present(cell: Any, x: Tensor, plasticity: EventEquations | None = None, target: str = "auto") -> Presentation:
    """Present input spikes x [T, B, I] to `cell`, sample by sample; with `plasticity`, weights change meanwhile.

    The cell is read, never written. `target` is "cython", "numpy" or "auto".

    Raises
    ------
    CannotRun
        If the equations of this cell are not known here.
    InputError
        If x holds anything but 0 and 1, or the resting neuron lies above its threshold.
    """
    reason = why_not(cell)
    if reason is not None:
        raise CannotRun(f"engine brian2 cannot run {cell.title}: {reason}; use --engine auto")
    spikes_in = check_spikes(cell, x)
    start = time.perf_counter()
    target = code_target() if target == "auto" else target
    with brian2_preferences(target):
        spikes, weights, theta = _run(cell, spikes_in, plasticity)
    return Presentation(spikes, weights, theta, target, time.perf_counter() - start)


def check_spikes(cell: Any, x: Tensor, engine: str = "brian2") -> np.ndarray:
    values = x.detach().cpu().numpy()
    if not np.isin(values, (0, 1)).all():
        odd = values[~np.isin(values, (0, 1))][0]
        raise InputError(
            f"engine {engine}: input lines carry spikes, 0 or 1 a step (got {odd:g}); encode the values first, as with "
            "the encoder regular_rate"
        )
    if cell.card.v_leak >= cell.card.v_threshold:
        raise InputError(
            f"engine {engine}: v_leak {cell.card.v_leak:g} must lie below v_threshold {cell.card.v_threshold:g}, or "
            "neurons spike while the next sample is still on its way"
        )
    return values


@contextmanager
def brian2_preferences(target: str) -> Iterator[None]:
    """Brian2's global preferences as this engine needs them, and as they were afterwards."""
    with warnings.catch_warnings():
        # Brian2 calls its parser pyparsing by names that newer versions deprecate; nothing a user could act on
        warnings.simplefilter("ignore", DeprecationWarning)
        with _set_preferences(target):
            yield


@contextmanager
def _set_preferences(target: str) -> Iterator[None]:
    from brian2 import prefs

    names = ("codegen.target", "codegen.runtime.cython.cache_dir", "codegen.runtime.cython.multiprocess_safe")
    before = [prefs[name] for name in names]
    try:
        # several workers compile at once: the cache is one user's own, and Brian2 locks it
        for name, value in zip(names, (target, str(user_cache("brian2")), True), strict=True):
            prefs[name] = value
        yield
    finally:
        for name, value in zip(names, before, strict=True):
            prefs[name] = value


def _run(cell: Any, x: np.ndarray, plasticity: EventEquations | None) -> tuple[Tensor, Tensor, Tensor]:
    import brian2

    T, B, _ = x.shape
    dt = cell.card.dt_ms * brian2.ms
    clock = brian2.Clock(dt, name="neurorec_clock")
    inputs, neurons, synapses, lateral = _layer(brian2, cell, x, plasticity, clock)
    between = _between_samples(cell, inputs, neurons, synapses, plasticity)
    monitor = brian2.SpikeMonitor(neurons, name="neurorec_monitor")
    clear = brian2.NetworkOperation(between, dt=(T + 1) * dt, when="start", name="neurorec_between")
    network = brian2.Network(inputs, neurons, synapses, monitor, clear, *lateral)
    network.run(B * (T + 1) * dt, namespace={})
    if plasticity is not None:
        _scale_weights(synapses, cell, plasticity)
    steps = np.rint(np.asarray(monitor.t / dt)).astype(int)
    spikes = torch.zeros(T, B, cell.size)
    spikes[steps % (T + 1) - 1, steps // (T + 1), np.asarray(monitor.i)] = 1
    weights = np.array(synapses.w).reshape(cell.input_size, cell.size).T
    return spikes, torch.tensor(weights), torch.tensor(np.array(neurons.theta))


def _layer(
    brian2: Any, cell: Any, x: np.ndarray, plasticity: EventEquations | None, clock: Any
) -> tuple[Any, Any, Any, list]:
    """Input lines, neurons, plastic synapses and the fixed recurrent ones, as Brian2 objects."""
    T, B, lines = x.shape
    card, rule, names = cell.card, plasticity, _namespace(brian2, cell, plasticity)
    padded = np.zeros((B, T + 1, lines))
    padded[:, :T] = x.transpose(1, 0, 2)
    names["stimulus"] = brian2.TimedArray(padded.reshape(-1, lines), dt=clock.dt, name="neurorec_stimulus")
    shared: dict[str, Any] = {"clock": clock, "namespace": names, "method": "euler"}
    inputs = brian2.NeuronGroup(
        lines, rule.input_state if rule else "", threshold="stimulus(t, i) > 0",
        reset=rule.at_input_spike if rule else "", name="neurorec_inputs", **shared,
    )  # fmt: skip
    neurons = brian2.NeuronGroup(
        cell.size, NEURONS + (rule.neuron_state if rule else "theta : 1"), threshold="v > v_threshold + theta",
        reset="v = v_reset\n" + (rule.at_neuron_spike if rule else ""), name="neurorec_neurons", **shared,
    )  # fmt: skip
    neurons.resetter["spike"].when = "before_synapses"  # a neuron's own trace must count for the input that follows
    neurons.v = card.v_leak
    neurons.theta = thresholds(cell).numpy()
    synapses = brian2.Synapses(
        inputs, neurons, "w : 1", on_pre="current_post += w\n" + (rule.on_pre if rule else ""),
        on_post=rule.on_post if rule else None, clock=clock, namespace=names, name="neurorec_synapses",
    )  # fmt: skip
    synapses.connect()
    synapses.w = cell.w_in.detach().cpu().double().numpy().T.ravel()
    if rule:
        synapses.post.order, synapses.pre.order = 0, 1  # spikes of step t first, then the input of step t + 1
    return inputs, neurons, synapses, _recurrence(brian2, cell, neurons, clock)


def thresholds(cell: Cell) -> Tensor:
    return cell.theta.detach().cpu().clone() if isinstance(cell, CompetitiveLIF) else torch.zeros(cell.size)


def _recurrence(brian2: Any, cell: Any, neurons: Any, clock: Any) -> list[Any]:
    """The recurrent synapses that are not 0."""
    weights = cell.w_rec.detach().cpu().double().numpy()
    post, pre = weights.nonzero()
    if not len(pre):
        return []
    lateral = brian2.Synapses(
        neurons, neurons, "w : 1", on_pre="current_post += w", clock=clock, name="neurorec_recurrence"
    )
    lateral.connect(i=pre, j=post)
    lateral.w = weights[post, pre]
    return [lateral]


def _namespace(brian2: Any, cell: Any, plasticity: EventEquations | None) -> dict[str, Any]:
    card = cell.card
    names = {"tau_mem": card.tau_mem_ms * brian2.ms, "tau_syn": card.tau_syn_ms * brian2.ms}
    names |= {"v_leak": card.v_leak, "v_reset": card.v_reset, "v_threshold": card.v_threshold}
    if plasticity is not None:
        names |= {name: value * brian2.ms for name, value in plasticity.times_ms.items()}
        names |= {**plasticity.numbers, "weight_max": plasticity.weight_max}
    return names


def _between_samples(
    cell: Any, inputs: Any, neurons: Any, synapses: Any, plasticity: EventEquations | None
) -> Callable[[], None]:
    """What happens before each sample: weights are scaled, membranes rest, currents and traces are 0."""
    kept = plasticity.kept if plasticity else ("theta",)
    cleared = [
        group.variables[name].get_value()
        for group in (inputs, neurons)
        for name in group.equations.eq_names | group.equations.parameter_names
        if name not in (*kept, "v")
    ]
    membrane = neurons.variables["v"].get_value()

    def clear() -> None:
        if plasticity is not None:
            _scale_weights(synapses, cell, plasticity)
        membrane[:] = cell.card.v_leak
        for values in cleared:
            values[:] = 0

    return clear


def _scale_weights(synapses: Any, cell: Any, plasticity: EventEquations) -> None:
    """Each neuron's incoming weights to their sum, in place, and never above their bound."""
    if plasticity.weight_sum is not None:
        weights = synapses.variables["w"].get_value().reshape(cell.input_size, cell.size)
        sums = weights.sum(0)
        weights *= plasticity.weight_sum / np.where(sums > 0, sums, np.inf)  # weights that are all 0 stay so
        np.minimum(weights, plasticity.weight_max, out=weights)
