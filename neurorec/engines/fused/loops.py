"""The two time loops, forward and backward, over the samples one thread owns. They know nothing of any neuron type.

Samples are taken in tiles of TILE_ROWS, each through all time steps, so that a tile's state stays in the cache. Rows of
hidden numbers are `width` long: H rounded up to whole vectors, with zeros behind. Spikes travel as bits, 64 to a word;
a set bit is an event, and costs one row of weights. Only u - threshold and the bits are kept for the way back.
"""

from typing import Any, cast

import numba
import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from neurorec.engines.fused import vectors
from neurorec.engines.fused.vectors import TILE_ROWS

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
fetch_row = cast(Any, vectors.fetch_row)
count_bits, scatter_row = cast(Any, vectors.count_bits), cast(Any, vectors.scatter_row)


@inlined
def set_bits(row: Any, words: Any, ahead: int) -> int:
    """Bit k of words: row[k] != 0. Returns how many."""
    size, found, address = len(row), 0, row.ctypes.data
    whole, left = size // 64, size % 64
    for w in range(whole):
        words[w] = nonzero_bits(address + w * 64 * FLOAT, ahead)
        found += count_bits(words[w])
    if left:
        word = np.uint64(0)
        if whole:  # the last 64 numbers, less those that were seen
            word = nonzero_bits(address + (size - 64) * FLOAT, ahead) >> np.uint64(64 - left)
        else:
            for k in range(size):
                word |= np.uint64(row[k] != 0) << np.uint64(k)
        words[whole] = word
        found += count_bits(word)
    return found


@inlined
def list_events(words: Any, lines: Any) -> int:
    """The numbers of the bits that are set, in order, into `lines`. Returns how many."""
    found = 0
    for w in range(len(words)):
        word = words[w]
        while word != 0:
            lines[found] = w * 64 + np.int64(trailing_zeros(word))
            word &= word - np.uint64(1)
            found += 1
    return found


@compiled
def forward_rows(code, keep, x, first, w_in, w_rec, state, neurons, out, distance, x_bits, z_bits, low, high):
    """Samples low to high. x [T, B, I]; first [B, width] W_rec z of before; w_in [I, width], w_rec [H, width] by line;
    state [B, S, width], left as the final state; out [T, B, H] spikes; distance, x_bits, z_bits [T, B, .], or [1, B, .]
    if not `keep`. Returns the number of input events, and whether any input was other than 0 or 1."""
    T, B, I = x.shape  # noqa: E741
    H, width = out.shape[2], w_in.shape[1]
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    z = np.zeros((TILE_ROWS, width), np.float32)
    lines, values, ones = np.empty(max(I, H), np.int64), np.empty(I, np.float32), np.ones(H, np.float32)
    in_at, rec_at, neurons_at = w_in.ctypes.data, w_rec.ctypes.data, neurons.ctypes.data
    input_events, graded = 0, False
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        spikes = 0
        for t in range(T):
            now, before = (t, t - 1) if keep else (0, 0)
            events = 0
            for k in range(rows):
                events += set_bits(x[t, start + k], x_bits[now, start + k], B * I * FLOAT)
            input_events += events
            drive[:] = 0
            if rows == TILE_ROWS and events > DENSE * rows * I:
                add_product(drive.ctypes.data, x.ctypes.data + (t * B + start) * I * FLOAT, I, in_at, I, width)
                graded = True
            else:
                for k in range(rows):
                    n = list_events(x_bits[now, start + k], lines)
                    for e in range(n):
                        values[e] = x[t, start + k, lines[e]]
                        graded |= values[e] != 1
                    add_rows(drive[k].ctypes.data, in_at, width, lines.ctypes.data, values.ctypes.data, n)
            if t == 0:
                for k in range(rows):
                    recurrent[k] = first[start + k]
            else:
                recurrent[:] = 0
                if spikes > DENSE * TILE_ROWS * H:
                    add_product(recurrent.ctypes.data, z.ctypes.data, width, rec_at, H, width)
                else:
                    for k in range(rows):
                        n = list_events(z_bits[before, start + k], lines)
                        add_rows(recurrent[k].ctypes.data, rec_at, width, lines.ctypes.data, ones.ctypes.data, n)
            spikes = 0
            for k in range(rows):
                call_rows(code, state[start + k].ctypes.data, drive[k].ctypes.data, recurrent[k].ctypes.data, neurons_at,
                          distance[now, start + k].ctypes.data, z[k].ctypes.data, width)  # fmt: skip
                out[t, start + k] = z[k, :H]
                spikes += set_bits(z[k, :H], z_bits[now, start + k], 0)
    return input_events, graded


@compiled
def backward_rows(adjoint, slope, compact, gradient, distance, x, x_bits, z_bits, graded, w_rec, w_rec_lines, state,
                  neurons, w_in_gradient, w_rec_gradient, drive_gradient, low, high):  # fmt: skip
    """Samples low to high, from the gradient [T, B, H] of the spikes. w_rec [H, width] by receiving neuron, w_rec_lines by
    line; state [B, S, width] the gradient of the final state, left as that of the first. Adds to w_in_gradient [I, width]
    and w_rec_gradient [H, width], by line, unless they have no rows; writes drive_gradient [T or 1, B, H], whose last
    written entry of one row is that of the first step. Where the surrogate is `compact`, gz is worked out only where its
    derivative is not zero."""
    T, _, H = gradient.shape
    width, I = w_rec.shape[1], x.shape[2]  # noqa: E741
    drive, gz = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    derivative = np.zeros((TILE_ROWS, width), np.float32)
    active = np.zeros((TILE_ROWS, z_bits.shape[2]), np.uint64)
    lines = np.empty(max(I, H, w_in_gradient.shape[0]), np.int64)
    values, ones = np.ones(len(lines), np.float32), np.ones(len(lines), np.float32)
    drive_at, gz_at, neurons_at, lines_at = drive.ctypes.data, gz.ctypes.data, neurons.ctypes.data, lines.ctypes.data
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        drive[:] = 0
        for t in range(T - 1, -1, -1):
            for k in range(rows):
                gz[k, :H] = gradient[t, start + k]
                fetch_row(gradient[max(t - 1, 0), start + k].ctypes.data, H * FLOAT)
                fetch_row(distance[max(t - 1, 0), start + k].ctypes.data, H * FLOAT)
            if t < T - 1:
                sensitive = TILE_ROWS * H
                if compact:
                    sensitive = 0
                    for k in range(rows):
                        call_rows(slope, distance[t, start + k].ctypes.data, neurons_at, derivative[k].ctypes.data,
                                  0, 0, 0, width)  # fmt: skip
                        sensitive += set_bits(derivative[k, :H], active[k], 0)
                if sensitive > ACTIVE * TILE_ROWS * H:
                    add_product(gz_at, drive_at, width, w_rec.ctypes.data, H, width)
                else:
                    for k in range(rows):
                        n = list_events(active[k], lines)
                        row = k * width * FLOAT
                        add_dots(gz_at + row, drive_at + row, w_rec_lines.ctypes.data, width, lines_at, n)
            for k in range(rows):
                call_rows(adjoint, state[start + k].ctypes.data, gz[k].ctypes.data, distance[t, start + k].ctypes.data,
                          neurons_at, drive[k].ctypes.data, 0, width)  # fmt: skip
                row = drive[k].ctypes.data
                if len(w_in_gradient):
                    n = list_events(x_bits[t, start + k], lines)
                    if graded:
                        for e in range(n):
                            values[e] = x[t, start + k, lines[e]]
                    scatter_row(w_in_gradient.ctypes.data, row, width, lines_at, values.ctypes.data, n)
                if len(w_rec_gradient) and t > 0:
                    n = list_events(z_bits[t - 1, start + k], lines)
                    scatter_row(w_rec_gradient.ctypes.data, row, width, lines_at, ones.ctypes.data, n)
                drive_gradient[min(t, len(drive_gradient) - 1), start + k] = drive[k, :H]
