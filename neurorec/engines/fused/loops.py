"""The two time loops, forward and backward, over the samples one thread owns. They know nothing of any neuron type.

Samples are taken in tiles of TILE_ROWS, each through all time steps, so that a tile's state stays in the cache. Rows of
hidden numbers are `width` long: H rounded up to whole vectors, with zeros behind. Spikes travel as bits, 64 to a word;
a set bit is an event, and costs one row of weights. Kept for the way back are the bits and what the step says: u - threshold
in most cases. A sample takes part in as many steps as its length says.
"""

from typing import Any, cast

import numba
import numpy as np
from numba.cpython.unsafe import numbers

from neurorec.engines.fused import vectors
from neurorec.engines.fused.emit import TILE_ROWS

DENSE = 0.5  #: share of lines with an event above which a dense product of a whole tile is faster
ACTIVE = 0.35  #: share of neurons with a surrogate derivative above which the dense product is faster
FLOAT = 4  #: bytes
compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
inlined = numba.njit(nogil=True, error_model="numpy")
add_dots, add_product, add_rows = (
    cast(Any, vectors.add_dots),
    cast(Any, vectors.add_product),
    cast(Any, vectors.add_rows),
)
call_rows, nonzero_bits = cast(Any, vectors.call_rows), cast(Any, vectors.nonzero_bits)
fetch_row, trailing_zeros = cast(Any, vectors.fetch_row), cast(Any, numbers.trailing_zeros)
count_bits, scatter_row = cast(Any, vectors.count_bits), cast(Any, vectors.scatter_row)


@inlined
def at(base, row, width):
    """Address of a row of `width` numbers. (A slice would count its references, atomically, at every time step.)"""
    return base + row * width * FLOAT


@inlined
def set_bits(rows, rows_at, t, b, size, words, now, ahead):
    """Bit k of words[now, b]: rows[t, b, k] != 0, for k < size. Returns how many."""
    found, address = 0, at(rows_at, t * rows.shape[1] + b, rows.shape[2])
    whole, left = size // 64, size % 64
    for w in range(whole):
        words[now, b, w] = nonzero_bits(address + w * 64 * FLOAT, ahead)
        found += count_bits(words[now, b, w])
    if left:
        word = np.uint64(0)
        if whole:  # the last 64 numbers, less those that were seen
            word = nonzero_bits(address + (size - 64) * FLOAT, ahead) >> np.uint64(64 - left)
        else:
            for k in range(size):
                word |= np.uint64(rows[t, b, k] != 0) << np.uint64(k)
        words[now, b, whole] = word
        found += count_bits(word)
    return found


@inlined
def list_events(words, now, b, lines):
    """The numbers of the bits that are set in words[now, b], in order, into `lines`. Returns how many."""
    found = 0
    for w in range(words.shape[2]):
        word = words[now, b, w]
        while word != 0:
            lines[found] = w * 64 + np.int64(trailing_zeros(word))
            word &= word - np.uint64(1)
            found += 1
    return found


@compiled
def forward_rows(code, keep, x, lengths, first, w_in, w_rec, state, neurons, out, kept, x_bits, z_bits, low, high):
    """Samples low to high. x [T, B, I]; lengths [B]; first [B, width] W_rec z of before; w_in [I, width], w_rec [H, width]
    by line, or no rows where nothing recurs; state [B, S, width], left as the final state; out [T, B, H], written up to each
    length; kept, x_bits, z_bits [T, B, .], or [1, B, .] if not `keep`. Returns the number of input events, and whether any
    input was other than 0 or 1."""
    T, B, I = x.shape  # noqa: E741
    H, width, S, K = out.shape[2], w_in.shape[1], state.shape[1], kept.shape[2]
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    z, z_words = np.zeros((1, high - low, width), np.float32), z_bits[:, low:high]
    lines, values, ones = np.empty(max(I, H), np.int64), np.empty(I, np.float32), np.ones(H, np.float32)
    in_at, rec_at, neurons_at, x_at, state_at = addresses(w_in, w_rec, neurons, x, state)
    drive_at, recurrent_at, z_at, kept_at, ones_at = addresses(drive, recurrent, z, kept, ones)
    lines_at, values_at = lines.ctypes.data, values.ctypes.data
    input_events, graded = 0, False
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        spikes = 0
        for t in range(T):
            now, before = (t, t - 1) if keep else (0, 0)
            events = 0
            for b in range(start, start + rows):
                events += set_bits(x, x_at, t, b, I, x_bits, now, B * I * FLOAT)
            input_events += events
            drive[:] = 0
            if rows == TILE_ROWS and events > DENSE * rows * I:
                add_product(drive_at, at(x_at, t * B + start, I), I, in_at, I, width)
                graded = True
            else:
                for k in range(rows):
                    n = list_events(x_bits, now, start + k, lines)
                    for e in range(n):
                        values[e] = x[t, start + k, lines[e]]
                        graded |= values[e] != 1
                    add_rows(at(drive_at, k, width), in_at, width, lines_at, values_at, n)
            recurrent[:] = 0
            if t == 0:
                for k in range(rows):
                    for h in range(width):
                        recurrent[k, h] = first[start + k, h]
            elif rows == TILE_ROWS and spikes > DENSE * rows * H:
                add_product(recurrent_at, at(z_at, start - low, width), width, rec_at, H, width)
            else:
                for k in range(rows):
                    n = list_events(z_bits, before, start + k, lines) if t < lengths[start + k] else 0
                    add_rows(at(recurrent_at, k, width), rec_at, width, lines_at, ones_at, n)
            spikes = 0
            for k in range(rows):
                b, own = start + k, start + k - low
                if t >= lengths[b]:
                    continue
                call_rows(code, at(state_at, b * S, width), at(drive_at, k, width), at(recurrent_at, k, width), neurons_at,
                          at(kept_at, now * B + b, K), at(z_at, own, width), width)  # fmt: skip
                for h in range(H):
                    out[t, b, h] = z[0, own, h]
                if len(w_rec):
                    spikes += set_bits(z, z_at, 0, own, H, z_words, now, 0)
    return input_events, graded


@inlined
def addresses(a, b, c, d, e):
    return a.ctypes.data, b.ctypes.data, c.ctypes.data, d.ctypes.data, e.ctypes.data


@compiled
def backward_rows(adjoint, slope, compact, gradient, kept, x, lengths, x_bits, z_bits, graded, w_rec, w_rec_lines, state,
                  neurons, w_in_gradient, w_rec_gradient, drive_gradient, low, high):  # fmt: skip
    """Samples low to high, from the gradient [T, B, H] of the output. w_rec [H, width] by receiving neuron, w_rec_lines by
    line; state [B, S, width] the gradient of the final state, left as that of the first, and those of learned rows. Adds to
    w_in_gradient [I, width] and w_rec_gradient [H, width], by line, unless they have no rows; writes drive_gradient
    [T or 1, B, H], 0 before, whose last written entry of one row is that of the first step. Where the surrogate is `compact`,
    gz is worked out only where its derivative is not zero."""
    T, B, H = gradient.shape
    width, I, S, K = w_rec.shape[1], x.shape[2], state.shape[1], kept.shape[2]  # noqa: E741
    drive, gz = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    derivative = np.zeros((1, TILE_ROWS, width), np.float32)
    active = np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64)
    lines = np.empty(max(I, H, w_in_gradient.shape[0]), np.int64)
    values, ones = np.ones(len(lines), np.float32), np.ones(len(lines), np.float32)
    drive_at, gz_at, neurons_at, lines_at, state_at = addresses(drive, gz, neurons, lines, state)
    kept_at, gradient_at, derivative_at, values_at, ones_at = addresses(kept, gradient, derivative, values, ones)
    rec_at, rec_lines_at, in_out_at, rec_out_at, _ = addresses(w_rec, w_rec_lines, w_in_gradient, w_rec_gradient, w_rec)
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        drive[:] = 0
        for t in range(T - 1, -1, -1):
            earlier, sensitive, recurs = max(t - 1, 0) * B, 0, t < T - 1 and len(w_rec_lines) > 0
            for k in range(rows):
                for h in range(H):
                    gz[k, h] = gradient[t, start + k, h]
                fetch_row(at(gradient_at, earlier + start + k, H), H * FLOAT)
                fetch_row(at(kept_at, earlier + start + k, K), K * FLOAT)
            if compact and recurs:
                for k in range(rows):
                    if t < lengths[start + k]:
                        call_rows(slope, at(kept_at, t * B + start + k, K), neurons_at, at(derivative_at, k, width),
                                  0, 0, 0, width)  # fmt: skip
                    sensitive += set_bits(derivative, derivative_at, 0, k, H, active, 0, 0)
            if recurs and (not compact or sensitive > ACTIVE * TILE_ROWS * H):
                add_product(gz_at, drive_at, width, rec_at, H, width)
            elif recurs:
                for k in range(rows):
                    n = list_events(active, 0, k, lines)
                    add_dots(at(gz_at, k, width), at(drive_at, k, width), rec_lines_at, width, lines_at, n)
            for k in range(rows):
                b, row = start + k, at(drive_at, k, width)
                if t >= lengths[b]:
                    continue
                call_rows(adjoint, at(state_at, b * S, width), at(gz_at, k, width), at(kept_at, t * B + b, K),
                          neurons_at, row, 0, width)  # fmt: skip
                if len(w_in_gradient):
                    n = list_events(x_bits, t, b, lines)
                    if graded:
                        for e in range(n):
                            values[e] = x[t, b, lines[e]]
                    scatter_row(in_out_at, row, width, lines_at, values_at, n)
                if len(w_rec_gradient) and t > 0:
                    n = list_events(z_bits, t - 1, b, lines)
                    scatter_row(rec_out_at, row, width, lines_at, ones_at, n)
                if t < len(drive_gradient):
                    for h in range(H):
                        drive_gradient[t, b, h] = drive[k, h]
