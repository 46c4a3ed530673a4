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


def unroll(recorded: Recorded, x: Tensor, z: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """x [T, B, I], spikes of before z and other states [B, H], to spikes [T, B, H] and the final other states."""
    plan = _Plan(recorded, compile_step(recorded), load_loops())
    (T, B, _), H = x.shape, z.shape[1]
    steps = max(SHORTEST_SEGMENT, KEEP_BYTES // max(1, B * _padded(H) * 4))
    if steps >= T or not torch.is_grad_enabled():
        out, *final = plan(x, z, *states)
        return out, final
    outs = []
    for start in range(0, T, steps):
        out, *states = checkpoint(
            plan, x[start : start + steps], z, *states, use_reentrant=False, preserve_rng_state=False
        )
        z = out[-1].clone()  # a view would keep the whole segment
        outs.append(out)
    return torch.cat(outs), states


@dataclass(frozen=True)
class _Plan:
    recorded: Recorded
    code: StepCode
    loops: Any

    def __call__(self, x: Tensor, z: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        return _Unroll.apply(self, x, self.recorded.w_in, self.recorded.w_rec, z, *states)  # type: ignore[return-value]


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: Tensor, w_in: Tensor, w_rec: Tensor, z: Tensor, *states: Tensor) -> Any:  # type: ignore[override]
        keep = any(ctx.needs_input_grad)
        (T, B, I), H = x.shape, w_rec.shape[0]  # noqa: E741
        x = x.contiguous()
        width, steps = _padded(H), T if keep else 1
        first = _by_rows(z @ w_rec.t() if z.any() else torch.zeros(B, H), width)
        state = torch.stack([_by_rows(part, width) for part in states], 1)
        neurons = _neurons(plan, width)
        out, distance = _empty(T, B, H), _empty(steps, B, width)
        x_bits, z_bits = (torch.empty(steps, B, -(-n // 64), dtype=torch.uint64) for n in (I, H))
        arrays = _arrays(x, first, _by_rows(w_in.t(), width), _by_rows(w_rec.t(), width), state, neurons, out, distance,
                         x_bits, z_bits)  # fmt: skip
        seen = share(B, lambda low, high, _: plan.loops.forward_rows(plan.code.step, keep, *arrays, low, high))
        graded = any(other for _, other in seen)
        if keep:
            ctx.plan, ctx.graded, ctx.inputs = plan, graded, I
            ctx.dense = sum(events for events, _ in seen) > DENSE_INPUT * x.numel()
            ctx.save_for_backward(x if graded or ctx.dense else None, w_in, w_rec, z, distance, x_bits, z_bits)
        return out, *(state[:, k, :H].contiguous() for k in range(len(states)))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor, *state_gradients: Tensor) -> Any:  # type: ignore[override]
        x, w_in, w_rec, z, distance, x_bits, z_bits = ctx.saved_tensors
        plan, (T, B, H), width, I = ctx.plan, gradient.shape, distance.shape[2], ctx.inputs  # noqa: E741
        _, need_x, need_in, need_rec, need_z, *_ = ctx.needs_input_grad
        state = torch.stack([_by_rows(part, width) for part in state_gradients], 1)
        events_in = need_in and not ctx.dense
        drive = torch.empty(T if need_x or (need_in and ctx.dense) else 1, B, H)
        parts = count_threads(B)
        in_gradients = torch.zeros(parts, I if events_in else 0, width)
        rec_gradients = torch.zeros(parts, H if need_rec else 0, width)
        arrays = _arrays(gradient.contiguous(), distance, torch.empty(0, 0, I) if x is None else x, x_bits, z_bits)
        more = _arrays(_by_rows(w_rec, width), _by_rows(w_rec.t(), width), state, _neurons(plan, width))
        by_part = _arrays(in_gradients, rec_gradients)
        (drive_array,) = _arrays(drive)
        share(B, lambda low, high, part: plan.loops.backward_rows(
            plan.code.adjoint, plan.code.slope, plan.recorded.compact, *arrays, ctx.graded, *more,
            *(each[part] for each in by_part), drive_array, low, high))  # fmt: skip
        g_in = g_rec = None
        if need_in:
            g_in = _by_neuron(in_gradients, H) if events_in else drive.flatten(0, 1).t() @ x.flatten(0, 1)  # type: ignore[union-attr]
        if need_rec:
            g_rec = _by_neuron(rec_gradients, H) + (drive[0].t() @ z if z.any() else 0)
        return (None, drive @ w_in if need_x else None, g_in, g_rec, drive[0] @ w_rec if need_z else None,
                *(state[:, k, :H].contiguous() for k in range(len(state_gradients))))  # fmt: skip


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
