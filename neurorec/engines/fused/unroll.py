"""The time loops as one differentiable torch operation: memory, threads, and what is cheaper as one dense product."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from neurorec.engines.fused.cache import load_loops
from neurorec.engines.fused.compiled import StepCode, compile_step
from neurorec.engines.fused.machine import machine
from neurorec.engines.fused.record import Recorded
from neurorec.engines.fused.threads import count_threads, share

DENSE_INPUT = 0.6  #: share of input events above which the gradient of W_in is one dense product


KEEP_BYTES = 128 * 2**20
"""Above this, what the way back needs is not kept but worked out again, segment by segment."""
SHORTEST_SEGMENT = 16  #: steps; each segment keeps its first state


def unroll(
    recorded: Recorded, x: Tensor, z: Tensor, states: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """x [T, B, I], spikes of before z [B, H] ([B, 0] where nothing recurs) and other states [B, H], to outputs [T, B, H],
    the last spikes, and the final other states."""
    plan = _Plan(recorded, compile_step(recorded), load_loops())
    (T, B, _), H = x.shape, len(recorded.w_in)
    steps = max(SHORTEST_SEGMENT, KEEP_BYTES // max(1, B * _padded(H) * 4 * len(recorded.kept)))
    if steps >= T or not torch.is_grad_enabled():
        out, *final = plan(lengths, x, z, *states)
        return out, _last(out, z, lengths), final
    outs = []
    for start in range(0, T, steps):
        own = None if lengths is None else (lengths - start).clamp(0, min(steps, T - start))
        out, *states = checkpoint(
            plan, own, x[start : start + steps], z, *states, use_reentrant=False, preserve_rng_state=False
        )
        z = _last(out, z, own).clone()  # a view would keep the whole segment
        outs.append(out)
    return torch.cat(outs), z, states


def _last(out: Tensor, z: Tensor, lengths: Tensor | None) -> Tensor:
    """The spikes of each sample's last step, of out [T, B, H]; those of before where it has no step."""
    if lengths is None or not z.numel():
        return out[-1] if z.numel() else z
    last = out[(lengths - 1).clamp_min(0), torch.arange(len(lengths))]
    return torch.where((lengths > 0)[:, None], last, z)


@dataclass(frozen=True)
class _Plan:
    recorded: Recorded
    code: StepCode
    loops: Any

    def __call__(self, lengths: Tensor | None, x: Tensor, z: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        w_in, w_rec, rows = self.recorded.w_in, self.recorded.w_rec, self.recorded.forward.rows
        w_rec = w_in.new_zeros(len(w_in), 0) if w_rec is None else w_rec
        learned = (rows[k] for k in self.recorded.learned)
        return _Unroll.apply(self, lengths, x, w_in, w_rec, z, *states, *learned)  # type: ignore[return-value]


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, plan: _Plan, lengths: Tensor | None, x: Tensor, w_in: Tensor, w_rec: Tensor, z: Tensor, *parts: Tensor
    ) -> Any:
        keep, states = any(ctx.needs_input_grad), parts[: len(plan.recorded.names)]
        (T, B, I), H = x.shape, w_rec.shape[0]  # noqa: E741
        x = x.contiguous()
        width, steps = _padded(H), T if keep else 1
        first = _by_rows(z @ w_rec.t() if z.any() else torch.zeros(B, H), width)
        state = torch.stack([_by_rows(part, width) for part in states], 1)
        neurons = _neurons(plan, width)
        kept = _empty(steps, B, width * len(plan.recorded.kept))
        out = _empty(T, B, H) if lengths is None else torch.zeros(T, B, H)
        x_bits, z_bits = (torch.empty(steps, B, -(-n // 64), dtype=torch.uint64) for n in (I, w_rec.shape[1]))
        own = torch.full((B,), T) if lengths is None else lengths.long()
        arrays = _arrays(x, own, first, _by_rows(w_in.t(), width), _by_rows(w_rec.t(), width), state, neurons, out, kept,
                         x_bits, z_bits)  # fmt: skip
        seen = share(B, lambda low, high, _: plan.loops.forward_rows(plan.code.step, keep, *arrays, low, high))
        graded = any(other for _, other in seen)
        if keep:
            ctx.plan, ctx.graded, ctx.inputs, ctx.lengths = plan, graded, I, own
            ctx.dense = sum(events for events, _ in seen) > DENSE_INPUT * x.numel()
            ctx.save_for_backward(x if graded or ctx.dense else None, w_in, w_rec, z, kept, x_bits, z_bits)
        return out, *(state[:, k, :H].contiguous() for k in range(len(states)))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor, *state_gradients: Tensor) -> Any:  # type: ignore[override]
        x, w_in, w_rec, z, kept, x_bits, z_bits = ctx.saved_tensors
        plan, (T, B, H), I = ctx.plan, gradient.shape, ctx.inputs  # noqa: E741
        width, S, learned = _padded(H), len(state_gradients), len(plan.recorded.learned)
        _, _, need_x, need_in, need_rec, need_z, *_ = ctx.needs_input_grad
        state = torch.stack([_by_rows(part, width) for part in state_gradients] + [torch.zeros(B, width)] * learned, 1)
        events_in = need_in and not ctx.dense
        drive = torch.zeros(T if need_x or (need_in and ctx.dense) else 1, B, H)
        parts = count_threads(B)
        in_gradients = torch.zeros(parts, I if events_in else 0, width)
        rec_gradients = torch.zeros(parts, H if need_rec else 0, width)
        x = torch.empty(0, 0, I) if x is None else x
        arrays = _arrays(gradient.contiguous(), kept, x, ctx.lengths, x_bits, z_bits)
        more = _arrays(_by_rows(w_rec, width), _by_rows(w_rec.t(), width), state, _neurons(plan, width))
        by_part = _arrays(in_gradients, rec_gradients)
        (drive_array,) = _arrays(drive)
        share(B, lambda low, high, part: plan.loops.backward_rows(
            plan.code.adjoint, plan.code.slope, plan.recorded.compact, *arrays, ctx.graded, *more,
            *(each[part] for each in by_part), drive_array, low, high))  # fmt: skip
        g_in = g_rec = None
        if need_in:
            g_in = _by_neuron(in_gradients, H) if events_in else drive.flatten(0, 1).t() @ x.flatten(0, 1)
        if need_rec:
            g_rec = _by_neuron(rec_gradients, H) + (drive[0].t() @ z if z.any() else 0)
        g_states = [state[:, k, :H].contiguous() for k in range(S)]
        g_rows = [state[:, k, :H].sum(0) for k in range(S, S + learned)]
        g_x, g_z = drive @ w_in if need_x else None, drive[0] @ w_rec if need_z else None
        return None, None, g_x, g_in, g_rec, g_z, *g_states, *g_rows


def _empty(*shape: int) -> Tensor:
    """Memory from numpy, which asks Linux for large pages; torch does not, and pays for a fault every 4 kB."""
    return torch.from_numpy(np.empty(shape, np.float32))


def _padded(size: int) -> int:
    return -(-size // machine().padding) * machine().padding


def _by_rows(tensor: Tensor, width: int) -> Tensor:
    """A copy [rows, width] with zeros behind each row."""
    rows = tensor.new_zeros(tensor.shape[0], width)
    rows[:, : tensor.shape[1]] = tensor.detach()
    return rows


def _by_neuron(gradients: Tensor, H: int) -> Tensor:
    """Threads' gradients [parts, lines, width] to one [H, lines]."""
    return gradients.sum(0)[:, :H].t().contiguous()


def _neurons(plan: _Plan, width: int) -> Tensor:
    rows = plan.recorded.forward.rows
    return _by_rows(torch.stack([row.detach() for row in rows]), width) if rows else torch.zeros(1, width)


def _arrays(*tensors: Tensor) -> list[Any]:
    return [tensor.detach().numpy() for tensor in tensors]
