"""The time loops as one differentiable torch operation: memory, threads, and products that are cheaper dense."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.engines.fused.cache import load_loops
from neurorec.engines.fused.loop_data import Added, Code, Given, Kept, Outputs
from neurorec.engines.fused.record import Recorded
from neurorec.engines.fused.step_code import StepCode
from neurorec.engines.fused.threads import count_threads, share
from neurorec.engines.llvm.processor import processor

DENSE_INPUT = 0.6  #: share of input events above which the gradient of W_in is computed as one dense product
KEEP_BYTES = {True: 128 * 2**20, False: 4 * 2**20}
"""Up to this size, u - threshold is kept for the backward pass; beyond, it is recomputed, which takes less memory and more time
(docs/engines_fused.md). With a compact surrogate (True) the rest of the backward pass is so cheap that more is kept."""


def unroll(
    recorded: Recorded, code: StepCode, x: Tensor, weights: Tensor, lengths: Tensor | None, z: Tensor, states: list[Tensor],
    outputs: bool,
) -> tuple[Tensor, Tensor, list[Tensor]]:  # fmt: skip
    """x [T, B, I], weights [K, T] of the steps, lengths [B], previous spikes z [B, H] ([B, 0] without recurrence) and other
    states [B, H], to outputs [T, B, H] (no steps if `outputs` are not requested), their weighted sums [K, B, H], and the final
    other states."""
    plan = _Plan(recorded, code, load_loops(), weights.detach().contiguous(), lengths, outputs)
    w_rec = recorded.w_in.new_zeros(len(recorded.w_in), 0) if recorded.w_rec is None else recorded.w_rec
    learned = (recorded.forward.rows[k] for k in recorded.learned)
    out, summed, *final = _Unroll.apply(plan, x, recorded.w_in, w_rec, z, *states, *learned)  # type: ignore[misc]
    return out, summed, final


@dataclass(frozen=True)
class _Plan:
    recorded: Recorded
    code: StepCode
    loops: Any
    weights: Tensor
    lengths: Tensor | None
    outputs: bool


class _Unroll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: Tensor, w_in: Tensor, w_rec: Tensor, z: Tensor, *parts: Tensor) -> Any:  # type: ignore[override]
        keep, silent, states = any(ctx.needs_input_grad), not z.any(), parts[: len(plan.recorded.names)]
        (T, B, I), H = x.shape, w_rec.shape[0]  # noqa: E741
        x, width, loops = x.contiguous(), _padded(H), plan.loops
        first = torch.zeros(B, width) if silent else _by_rows(z @ w_rec.t(), width)
        state = _together(states, width)
        full, size = plan.lengths is None, width * len(plan.recorded.kept)
        lengths = torch.full((B,), T) if plan.lengths is None else plan.lengths.long()
        out = (_empty if full else torch.zeros)(T if plan.outputs else 0, B, H)
        summed = torch.zeros(len(plan.weights), B, width)
        all_kept = keep and T * B * size * 4 <= KEEP_BYTES[plan.recorded.compact]
        tiles, rows = -(-B // processor().tile_rows), processor().tile_rows
        kept = _empty(tiles if all_kept else 0, T, rows, size)
        near = _for_threads(B, kept) if all_kept else _lent(B, 1, size)
        starts = _empty(-(-T // loops.SEGMENT) if keep and not all_kept else 0, B, len(states), width)
        bits = torch.empty if full else torch.zeros
        x_bits, z_bits = (bits(T if keep else 1, B, -(-n // 64), dtype=torch.uint64) for n in (I, w_rec.shape[1]))
        lines = _by_rows(w_in.t(), width), _by_rows(w_rec.t(), width)
        given = Given(*_arrays(x, lengths, first, *lines, _neurons(plan, width)))
        state_array, *bits_and_starts = _arrays(state, starts, x_bits, z_bits)
        sent = Outputs(*_arrays(out, plan.weights, summed))
        seen = share(B, lambda low, high, part: loops.forward_rows(
            plan.code.step, keep, given, state_array, sent, Kept(near[part], *bits_and_starts), low, high))  # fmt: skip
        if keep:
            ctx.plan, ctx.lengths, ctx.silent = plan, lengths, silent
            ctx.graded = any(other for _, other in seen)
            ctx.dense = sum(events for events, _ in seen) > DENSE_INPUT * x.numel()
            ctx.save_for_backward(x, w_in, w_rec, z, None if all_kept else first, starts, kept, x_bits, z_bits)
            ctx.set_materialize_grads(False)
        return out, summed[..., :H], *state[..., :H].unbind(1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, summed: Tensor | None, *state_gradients: Tensor | None) -> Any:  # type: ignore[override]
        x, w_in, w_rec, z, first, starts, kept, x_bits, z_bits = ctx.saved_tensors
        plan, (T, B, I), H, again = ctx.plan, x.shape, len(w_rec), len(starts) > 0  # noqa: E741
        width, parts, nothing = _padded(H), count_threads(B), torch.zeros(B, H)
        _, need_x, need_in, need_rec, need_z, *_ = ctx.needs_input_grad
        S, learned, size = len(state_gradients), len(plan.recorded.learned), kept.shape[3]
        state = _together(
            [*(nothing if part is None else part for part in state_gradients), *[nothing] * learned], width
        )
        events_in = need_in and not ctx.dense
        drive = (torch.empty if plan.lengths is None else torch.zeros)(
            T if need_x or (need_in and ctx.dense) else 1, B, H
        )
        in_gradients = torch.zeros(parts, I if events_in else 0, width)
        rec_gradients = torch.zeros(parts, H if need_rec else 0, width)
        near = _lent(B, plan.loops.SEGMENT, size) if again else _for_threads(B, kept)
        sent = Outputs(*_arrays(
            torch.empty(0, B, H) if gradient is None else gradient.contiguous(), plan.weights[: 0 if summed is None else None],
            torch.empty(0, B, width) if summed is None else _by_rows(summed, width),
        ))  # fmt: skip
        unread, compact = torch.empty(0, width), plan.recorded.compact
        given = Given(*_arrays(
            x, ctx.lengths, first if again else unread, _by_rows(w_in.t(), width) if again else unread,
            _by_rows(w_rec.t(), width) if again or compact else unread, _neurons(plan, width),
        ))  # fmt: skip
        bits_and_starts, (by_neuron, state_array) = (
            _arrays(starts, x_bits, z_bits),
            _arrays(_by_rows(w_rec, width), state),
        )
        g_in_array, g_rec_array, drive_array = _arrays(in_gradients, rec_gradients, drive)
        code = Code(plan.code.step, plan.code.adjoint, plan.code.slope)
        share(B, lambda low, high, part: plan.loops.backward_rows(
            code, compact, ctx.graded, given, Kept(near[part], *bits_and_starts), by_neuron, state_array, sent,
            Added(g_in_array[part], g_rec_array[part], drive_array), low, high))  # fmt: skip
        g_in = g_rec = None
        if need_in:
            g_in = _by_neuron(in_gradients, H) if events_in else drive.flatten(0, 1).t() @ x.flatten(0, 1)
        if need_rec:
            g_rec = _by_neuron(rec_gradients, H) + (0 if ctx.silent else drive[0].t() @ z)
        g_states, g_rows = state[:, :S, :H].unbind(1), state[:, S:, :H].sum(0).unbind(0)
        g_x, g_z = drive @ w_in if need_x else None, drive[0] @ w_rec if need_z else None
        return None, g_x, g_in, g_rec, g_z, *g_states, *g_rows


def _lent(B: int, steps: int, size: int) -> list[Any]:
    """Buffers for what is kept of some steps of one tile, one per thread."""
    return _arrays(*(_empty(1, steps, processor().tile_rows, size) for _ in range(count_threads(B))))


def _for_threads(B: int, tensor: Tensor) -> list[Any]:
    return _arrays(tensor) * count_threads(B)


def _empty(*shape: int) -> Tensor:
    """Memory from numpy, which requests large pages from Linux; torch does not, and has a page fault every 4 kB."""
    return torch.from_numpy(np.empty(shape, np.float32))


def _padded(size: int) -> int:
    return -(-size // processor().padding) * processor().padding


def _by_rows(tensor: Tensor, width: int) -> Tensor:
    """The tensor as contiguous rows [..., width], padded with zeros."""
    more = width - tensor.shape[-1]
    return torch.nn.functional.pad(tensor.detach(), (0, more)) if more else tensor.detach().contiguous()


def _together(states: Any, width: int) -> Tensor:
    """States [B, H] as one [B, S, width]."""
    return _by_rows(torch.stack([part.detach() for part in states], 1), width)


def _by_neuron(gradients: Tensor, H: int) -> Tensor:
    """Sum of the threads' gradients [parts, lines, width], as [H, lines]."""
    return (gradients.sum(0) if len(gradients) > 1 else gradients[0])[:, :H].t().contiguous()


def _neurons(plan: _Plan, width: int) -> Tensor:
    rows = plan.recorded.forward.rows
    return _by_rows(torch.stack([row.detach() for row in rows]), width) if rows else torch.zeros(1, width)


def _arrays(*tensors: Tensor) -> list[Any]:
    return [tensor.detach().numpy() for tensor in tensors]
