"""Spike times of LIF neurons in continuous time, and their exact gradients: what `spike_adjoint.py` converges to as dt -> 0.

Between events, potential and current have a closed form; the next spike is found on it by Newton's method in double precision.
A spike reaches its targets at once. The adjoint method (Wunderlich & Pehle 2021) follows the events backward with A = dL/dv and
B = dL/di, which between events obey tau_mem A' = A and tau_syn B' = B - (tau_syn / tau_mem) A. At a spike of neuron n,

    D_n = dL/dt_n, as given, + sum over targets m of W_mn (B_m / tau_syn - A_m / tau_mem) - v'_after A_n
    A_n (before) = -D_n / v'_before;     dL/dW_mn += B_m;     and for input spikes dL/dW_in likewise

where v' is the slope of the potential before and after the reset. The gradients are those of the times of the spikes that
occur; at weights where a spike appears or vanishes, the times are not differentiable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurorec.models.forms import EventForm

MOST_STEPS = 200  #: of the search for a spike
RESOLUTION = 1e-14  #: of its time


@dataclass(frozen=True)
class TimedSpike:
    """An input spike or a spike of the layer, with what its gradient needs."""

    time_ms: float
    line: int  #: input line, or neuron
    own: bool  #: whether a neuron of the layer spiked
    before: float = 0.0  #: slope of the neuron's potential before its reset, per ms
    after: float = 0.0  #: and after it


@dataclass(frozen=True)
class SpikeGradients:
    """Derivatives of a function of the spike times."""

    w_in: np.ndarray  #: [H, I]
    w_rec: np.ndarray  #: [H, H]
    inputs: np.ndarray  #: with respect to the time of each input spike, in their order


class ExactLayer:
    """One layer with the weights, time constants and potentials of its event form, in double precision."""

    def __init__(self, form: EventForm) -> None:
        self.w_in = form.input_weights.detach().double().numpy()
        self.w_rec = form.recurrent_weights.detach().double().numpy()
        self.mem, self.syn = form.times_ms["tau_mem"], form.times_ms["tau_syn"]
        self.leak, self.reset = form.numbers["v_leak"], form.numbers["v_reset"]
        self.threshold = form.numbers["v_threshold"]

    def run(self, inputs: Sequence[tuple[float, int]], end_ms: float) -> list[TimedSpike]:
        """All events until `end_ms`, from rest; `inputs` are times and lines of input spikes, in order of time."""
        events: list[TimedSpike] = []
        v, i, now, waiting = np.full(len(self.w_in), self.leak), np.zeros(len(self.w_in)), 0.0, list(inputs)
        while True:
            until = min(waiting[0][0], end_ms) if waiting else end_ms
            times = self._crossings(v, i, until - now)
            n = int(times.argmin())
            if times[n] < until - now:
                v, i = self._flow(v, i, times[n])
                now += times[n]
                before, after = ((self.leak - start + i[n]) / self.mem for start in (self.threshold, self.reset))
                events.append(TimedSpike(now, n, True, before, after))
                v[n] = self.reset
                i = i + self.w_rec[:, n]
            elif waiting and waiting[0][0] <= end_ms:
                v, i = self._flow(v, i, until - now)
                now, line = waiting.pop(0)
                events.append(TimedSpike(now, line, False))
                i = i + self.w_in[:, line]
            else:
                return events

    def gradients(self, events: Sequence[TimedSpike], by_time: Sequence[float]) -> SpikeGradients:
        """The gradients of L, from its derivatives with respect to the time of each spike of the layer, in order."""
        a, b, given = np.zeros(len(self.w_in)), np.zeros(len(self.w_in)), list(by_time)
        dw_in, dw_rec, inputs = np.zeros_like(self.w_in), np.zeros_like(self.w_rec), []
        for event, earlier in zip(reversed(events), [*reversed(events[:-1]), None], strict=True):
            weights, gradient = (self.w_rec, dw_rec) if event.own else (self.w_in, dw_in)
            gradient[:, event.line] += b
            later = float(weights[:, event.line] @ (b / self.syn - a / self.mem))
            if event.own:
                a[event.line] = -(given.pop() + later - event.after * a[event.line]) / event.before
            else:
                inputs.append(later)
            a, b = self._flow_back(a, b, event.time_ms - (earlier.time_ms if earlier else 0.0))
        return SpikeGradients(dw_in, dw_rec, np.array(inputs[::-1]))

    def _decays(self, span: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shares of potential and current that remain after `span`, and the potential per current of its start."""
        mem, syn = np.exp(-np.asarray(span) / self.mem), np.exp(-np.asarray(span) / self.syn)
        if self.mem == self.syn:
            return mem, syn, np.asarray(span) / self.mem * mem
        return mem, syn, (syn - mem) * self.syn / (self.syn - self.mem)

    def _flow(self, v: np.ndarray, i: np.ndarray, span: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        mem, syn, per_current = self._decays(span)
        return self.leak + (v - self.leak) * mem + i * per_current, i * syn

    def _flow_back(self, a: np.ndarray, b: np.ndarray, span: float) -> tuple[np.ndarray, np.ndarray]:
        mem, syn, per_current = self._decays(span)
        return a * mem, b * syn + a * per_current

    def _crossings(self, v: np.ndarray, i: np.ndarray, span: float) -> np.ndarray:
        """Time until each neuron reaches the threshold from below, at most `span`; infinite where it does not."""
        peak = self._peak(v - self.leak, i, span)
        found, fires = np.full_like(v, np.inf), self._flow(v, i, peak)[0] > self.threshold
        if fires.any():
            found[fires] = self._root(v[fires], i[fires], peak[fires])
        return found

    def _root(self, v: np.ndarray, i: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Where potentials rising until `high` cross the threshold: Newton's method in a bracket, which is halved if left."""
        low, time = np.zeros_like(v), high / 2
        for _ in range(MOST_STEPS):
            then_v, then_i = self._flow(v, i, time)
            above = then_v > self.threshold
            low, high = np.where(above, low, time), np.where(above, time, high)
            step = (self.threshold - then_v) * self.mem / (self.leak - then_v + then_i)
            if (np.abs(step) <= RESOLUTION * time).all():
                return time
            inside = (low <= time + step) & (time + step <= high)
            time = np.where(inside, time + step, (low + high) / 2)
        return high

    def _peak(self, v: np.ndarray, i: np.ndarray, span: float) -> np.ndarray:
        """When a potential v above rest stops rising, 0 where it falls at first, at most `span`: the root of i(t) = v(t)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.mem == self.syn:
                peak = self.mem * (1 - v / i)
            else:
                ratio = (v * (self.mem - self.syn) / i + self.syn) / self.mem
                peak = np.log(ratio) / (1 / self.mem - 1 / self.syn)
        return np.where(i > v, np.clip(np.where(peak > 0, peak, span), 0, span), 0.0)
