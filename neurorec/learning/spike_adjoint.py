"""Spiking layers whose backward pass moves spikes in time, instead of changing their size: the adjoint method in discrete time.

The equations, as for LIF neurons in continuous time (Wunderlich & Pehle 2021), for the steps of the cell `lif`. A spike of
step t crosses the threshold with the slope d_t = u_t - v_{t-1} > 0 per step, so a potential higher by e moves it e / d_t steps
earlier. If it moves from t to t + 1, the loss changes by G_{t+1} - G_t, where G_t = dL/dz_t is what the layers above and the
recurrence return for a spike in step t; and the drift from the reset potential, r_t = dt/tau_mem (v_leak - v_reset + j_t),
starts one step later.

    p_t = [(G_t - G_{t+1}) + r_t a_t] / d_t   if the neuron spikes in step t,   a_t otherwise          dL/du_t
    g_t = (1 - dt/tau_syn) g_{t+1} + dt/tau_mem p_t                                                    dL/dj_t
    a_{t-1} = (1 - dt/tau_mem) p_t;     G_t = G_t from above + W_rec^T g_{t+1}                         dL/dv_{t-1}
    dL/dW_in = sum over t of g_t x_t^T;     dL/dW_rec = sum over t of g_{t+1} z_t^T;     dL/dx_t = W_in^T g_t

Between spikes this is the exact transpose of the step. At spikes it is exact to first order in dt, because a spike of the
network lies on the grid of steps: as dt -> 0, the gradients converge to those of the spike times in continuous time
(`exact_spike_times.py`). No surrogate derivative is used, and a change of the number of spikes is not seen.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurorec.engines.engine import Engine
from neurorec.engines.fused.cache import load_adjoint_loops
from neurorec.models.cells.lif import CURRENT_BASED
from neurorec.models.forms import EventForm
from neurorec.models.layer import Layer


class Constants(NamedTuple):
    """Of the layer's steps: rates dt/tau, and potentials."""

    mem: float
    syn: float
    leak: float
    threshold: float
    reset: float


def adjoint_form(layer: Layer) -> EventForm | str:
    """The event equations of a LIF layer with exponential currents and a hard reset, or why the adjoint method has none."""
    form = layer.event_form()
    if isinstance(form, str) or form.model is CURRENT_BASED:
        return form
    return "its event equations are not those of LIF neurons with constant thresholds"


def constants_of(form: EventForm) -> Constants:
    rates = [form.dt_ms * (1.0 / form.times_ms[name]) for name in ("tau_mem", "tau_syn")]
    return Constants(*rates, *(form.numbers[name] for name in ("v_leak", "v_threshold", "v_reset")))


class AdjointEngine(Engine):
    """Runs LIF layers by their own equations, with the backward pass above; all other layers as they are. `compiled`: whether
    layers on the CPU run in compiled loops."""

    title = "adjoint"

    def __init__(self, compiled: bool = True) -> None:
        self.compiled = compiled

    def why_not(self, layer: Layer) -> str | None:
        return None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As the contract says, but the states at both ends take no part in the gradient."""
        form = adjoint_form(layer)
        if isinstance(form, str) or not len(x):
            return layer(x, state, lengths)
        start: Any = layer.start(x.shape[1]) if state is None else state
        w_rec = form.recurrent_weights if layer.recurrent_weights() else None
        ends = torch.full((x.shape[1],), len(x), device=x.device) if lengths is None else lengths
        loops = _Compiled if self.compiled and x.device.type == "cpu" else _Plain
        z, v, i = _Spikes.apply(x, form.input_weights, w_rec, constants_of(form), *start, ends, loops)
        last = z[(ends - 1).clamp_min(0), torch.arange(x.shape[1], device=x.device)]
        return z, type(start)(torch.where((ends > 0)[:, None], last, start[0]), v, i)


class _Spikes(torch.autograd.Function):
    """x [T, B, I] to the spikes [T, B, H] of one LIF layer, and its last potentials and currents [B, H]."""

    @staticmethod
    def forward(ctx, x, w_in, w_rec, c, z, v, i, ends, loops):  # type: ignore[override]
        jumps = torch.nn.functional.linear(x, w_in)
        spikes, slopes = torch.zeros_like(jumps), torch.zeros_like(jumps)
        v, i = loops.forward(jumps, w_rec, c, z.clone(), v.clone(), i.clone(), ends, spikes, slopes)
        ctx.save_for_backward(x, w_in, w_rec, spikes, slopes, jumps, ends)
        ctx.constants, ctx.loops = c, loops
        ctx.mark_non_differentiable(v, i)
        return spikes, v, i

    @staticmethod
    def backward(ctx, from_above, *_):  # type: ignore[override]
        x, w_in, w_rec, spikes, slopes, jumps, ends = ctx.saved_tensors
        gradients = torch.zeros_like(jumps)
        ctx.loops.backward(from_above.contiguous(), w_rec, ctx.constants, ends, spikes, slopes, jumps, gradients)
        dx = gradients @ w_in if ctx.needs_input_grad[0] else None
        dw_in = gradients.flatten(0, 1).T @ x.flatten(0, 1) if ctx.needs_input_grad[1] else None
        dw_rec = gradients[1:].flatten(0, 1).T @ spikes[:-1].flatten(0, 1) if ctx.needs_input_grad[2] else None
        return dx, dw_in, dw_rec, *[None] * 6


class _Plain:
    """The equations as tensor operations, step by step."""

    @staticmethod
    def forward(jumps, w_rec, c, z, v, i, ends, spikes, slopes):
        for t, jump in enumerate(jumps):
            runs = (t < ends)[:, None]
            jump += i
            if w_rec is not None:
                jump += z @ w_rec.T
            slopes[t] = ((c.leak - v) + jump) * c.mem
            u = v + slopes[t]
            fired = (u - c.threshold > 0) & runs
            z = spikes[t] = fired.to(u.dtype)
            v = torch.where(runs, u.masked_fill(fired, c.reset), v)
            i = torch.where(runs, jump - c.syn * jump, i)
        return v, i

    @staticmethod
    def backward(from_above, w_rec, c, ends, spikes, slopes, jumps, gradients):
        a = g = later = torch.zeros_like(jumps[0])
        for t in range(len(spikes) - 1, -1, -1):
            error = from_above[t] if w_rec is None else from_above[t] + g @ w_rec
            error = torch.where((t < ends)[:, None], error, 0)
            drift = c.mem * ((c.leak - c.reset) + jumps[t])
            p = torch.where(spikes[t] > 0, (error - later + drift * a) / slopes[t], a)
            gradients[t] = (g - c.syn * g) + c.mem * p
            a, g, later = (1 - c.mem) * p, gradients[t], error


class _Compiled:
    """The same, compiled (`engines/fused/adjoint_loops.py`)."""

    @staticmethod
    def forward(jumps, w_rec, c, z, v, i, ends, spikes, slopes):
        arrays = [part.numpy() for part in (ends, spikes, slopes)]
        state = (z.numpy(), v.numpy(), i.numpy())
        load_adjoint_loops().forward(jumps.numpy(), *_arrays(w_rec, c, jumps), state, *arrays)
        return v, i

    @staticmethod
    def backward(from_above, w_rec, c, ends, spikes, slopes, jumps, gradients):
        arrays = [part.numpy() for part in (ends, spikes, slopes, jumps, gradients)]
        load_adjoint_loops().backward(from_above.numpy(), *_arrays(w_rec, c, jumps), *arrays)


def _arrays(w_rec: Tensor | None, c: Constants, like: Tensor) -> tuple[Any, Any]:
    """The weights by sending neuron, or none; the constants."""
    targets = like.new_empty(0, 0) if w_rec is None else w_rec.detach().T.contiguous()
    return targets.numpy(), like.new_tensor(c).numpy()
