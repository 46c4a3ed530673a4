"""NIR nodes with state: integrators, neurons, delays. State in, state out; shapes [B, ...].

Operations are in the order of neurorec's LIF step (and of Norse's): float32 sums depend on it, and a membrane within
rounding of its threshold would spike in one order and not in the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.nir_options import NirOptions
from neurorec.engines.nir_graph.stateless import tensor

Fire = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  #: v before and after the update to spikes and v


class Stateful(Protocol):
    def start(self, zero: Tensor) -> Any:
        """The state before the first step, with the shape of `zero` [B, ...]."""
        ...

    def step(self, state: Any, arrivals: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """One step: inputs along each edge to the output and the next state."""
        ...


class NeuronState(NamedTuple):
    v: Tensor  #: membrane potential, initially v_leak (0 if the node has none)
    i: Tensor  #: synaptic current, initially 0


def total(arrivals: Sequence[Tensor]) -> Tensor:
    """NIR's implicit fan-in: the sum of all inputs, from left to right."""
    result = arrivals[0]
    for arrival in arrivals[1:]:
        result = result + arrival
    return result


@dataclass(frozen=True)
class Neuron:
    """Any of I, IF, LI, LIF, CubaLI, CubaLIF: a membrane, optionally with a synapse and a threshold."""

    membrane: Callable[[Tensor, Tensor], Tensor]  #: v and current to v
    synapse: Callable[[Tensor, Sequence[Tensor]], Tensor] | None  #: i and arrivals to i
    reads_new_current: bool
    fire: Fire | None
    v_start: Tensor

    def start(self, zero: Tensor) -> NeuronState:
        return NeuronState(zero + self.v_start, zero)

    def step(self, state: NeuronState, arrivals: Sequence[Tensor]) -> tuple[Tensor, NeuronState]:
        if self.synapse is None:
            i, read = state.i, total(arrivals)
        else:
            i = self.synapse(state.i, arrivals)
            read = i if self.reads_new_current else state.i
        u = self.membrane(state.v, read)
        if self.fire is None:
            return u, NeuronState(u, i)
        z, v = self.fire(state.v, u)
        return z, NeuronState(v, i)


@dataclass(frozen=True)
class DelayLine:
    """y(t) = x(t - delay), with an integer number of steps per line; zeros before the first step."""

    steps: Tensor  #: [...] int64

    def start(self, zero: Tensor) -> Tensor:
        return zero.new_zeros(int(self.steps.max()), *zero.shape)

    def step(self, state: Tensor, arrivals: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        held = torch.cat([total(arrivals)[None], state])  # held[d] arrived d steps ago
        index = self.steps.expand(held.shape[1:])[None]
        return held.gather(0, index)[0], held[: len(state)]


def stateful_node(name: str, node: Any, options: NirOptions, where: str) -> Stateful:
    """The node called `name`, ready to step under `options`."""
    kind, dtype = type(node).__name__, getattr(torch, options.precision)
    if kind == "Delay":
        return DelayLine(_whole_steps(name, node, options, where))
    return Neuron(
        membrane=_integrator(node, options, dtype) if kind in ("I", "IF") else _leaky(node, options, dtype),
        synapse=_synapse(node, options, dtype) if kind.startswith("Cuba") else None,
        reads_new_current=options.synapse_order == "new",
        fire=_fire(name, node, options, dtype, where) if kind in ("IF", "LIF", "CubaLIF") else None,
        v_start=tensor(getattr(node, "v_leak", 0.0), dtype),
    )


def _shares(tau: Any, options: NirOptions) -> tuple[np.ndarray, np.ndarray]:
    """What a state with time constant tau loses in one step, and the weight of its input, as shares."""
    ratio = options.dt / np.asarray(tau, dtype=np.float64)
    loss = ratio if options.integrator == "euler" else -np.expm1(-ratio)
    return loss, loss if options.integrator == "exponential" else ratio


def _integrator(node: Any, options: NirOptions, dtype: torch.dtype) -> Callable[[Tensor, Tensor], Tensor]:
    dt = options.dt if options.if_gain == "dt" else 1.0
    gain = tensor(dt * np.asarray(node.r, dtype=np.float64), dtype)
    return lambda v, i: v + gain * i


def _leaky(node: Any, options: NirOptions, dtype: torch.dtype) -> Callable[[Tensor, Tensor], Tensor]:
    loss, share = _shares(node.tau if hasattr(node, "tau") else node.tau_mem, options)
    parts = (1 - loss, share * node.r, loss * node.v_leak, loss, node.r, node.v_leak)
    keep, gain, floor, rate, r, v_leak = (tensor(part, dtype) for part in parts)
    if options.arithmetic == "decay":
        return lambda v, i: keep * v + gain * i + floor
    if options.integrator == "exponential_decay":
        return lambda v, i: v + (rate * (v_leak - v) + gain * i)
    return lambda v, i: v + rate * ((v_leak - v) + r * i)


def _synapse(node: Any, options: NirOptions, dtype: torch.dtype) -> Callable[[Tensor, Sequence[Tensor]], Tensor]:
    rate, share = _shares(node.tau_syn, options)
    keep, loss = tensor(1 - rate, dtype), tensor(-rate, dtype)
    decays = options.arithmetic == "decay"
    gain = tensor(share * np.asarray(node.w_in, dtype=np.float64), dtype)

    def synapse(i: Tensor, arrivals: Sequence[Tensor]) -> Tensor:
        i = keep * i if decays else i + loss * i
        for arrival in arrivals:
            i = i + gain * arrival
        return i

    return synapse


def _fire(name: str, node: Any, options: NirOptions, dtype: torch.dtype, where: str) -> Fire:
    """Spikes and reset, and the lower bound of the potential, if there is one."""
    fire = _threshold(name, node, options, dtype, where)
    if options.lower_bound == "none" or (options.lower_bound == "if" and type(node).__name__ != "IF"):
        return fire
    v_min = -tensor(node.v_threshold, dtype)

    def bounded(v: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        z, v = fire(v, u)
        return z, torch.maximum(v, v_min)

    return bounded


def _threshold(name: str, node: Any, options: NirOptions, dtype: torch.dtype, where: str) -> Fire:
    """A spike is strictly above the threshold (NIR's definition); the reset is chosen by the option."""
    theta, v_reset = tensor(node.v_threshold, dtype), tensor(node.v_reset, dtype)
    if options.several_spikes and bool((theta <= 0).any()):
        raise InputError(f'{where}: node "{name}" has thresholds <= 0, by which several_spikes cannot divide')

    def spikes(u: Tensor) -> Tensor:
        above = (u > theta).to(dtype)
        return above * torch.floor(u / theta) if options.several_spikes else above

    def fire(v: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        started_above = (v > theta).to(dtype)
        match options.reset:
            case "zero":
                z = spikes(u)
                return z, torch.where(z > 0, v_reset, u)
            case "subtract":
                z = spikes(u)
                return z, u - z * theta
            case "subtract_guarded":
                u = u - started_above * theta
                z = spikes(u)
                return z, u - (z - started_above) * theta
            case "zero_next_step":
                u = torch.where(started_above > 0, v_reset, u)
                return spikes(u), u
            case "subtract_next_step":
                u = u - started_above * theta
                return spikes(u), u

    return fire


def _whole_steps(name: str, node: Any, options: NirOptions, where: str) -> Tensor:
    delay = np.asarray(node.delay, dtype=np.float64) / options.dt
    steps = np.rint(delay)
    if (steps < 0).any() or not np.allclose(delay, steps, rtol=0, atol=1e-6):
        raise InputError(
            f'{where}: node "{name}" delays by {np.array2string(delay.ravel()[:5])} steps of {options.dt:g}; '
            "delays must be integer numbers of steps, so choose a dt_s that divides them"
        )
    return torch.as_tensor(steps.astype(np.int64))
