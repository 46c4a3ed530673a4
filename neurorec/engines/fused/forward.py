"""The time loop forward, over the samples one thread owns, and the part of it that the way back runs again."""

from typing import Any, cast

import numba
import numpy as np

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, WORD, at, count_events, inlined, list_events, set_bits
from neurorec.engines.fused.emit import TILE_ROWS

DENSE = 0.5  #: share of lines with an event above which a dense product of a whole tile is faster
SEGMENT = 32  #: steps that the way back runs again at once, where u - threshold was not kept
add_product, add_rows = cast(Any, vectors.add_product), cast(Any, vectors.add_rows)
add_marked_rows, call_rows = cast(Any, vectors.add_marked_rows), cast(Any, vectors.call_rows)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def forward_rows(code, keep, x, lengths, first, w_in, w_rec, state, neurons, weights, out, summed, near, starts, x_bits, z_bits,
                 low, high):  # fmt: skip
    """Samples low to high.

    x [T, B, I]; lengths [B], the steps that each takes part in; first [B, width] W_rec z of before; w_in [I, width], w_rec
    [H, width] by line, with no rows where nothing recurs; state [B, S, width], left as the final state; out [T, B, H], or no
    rows if nobody asks; summed [K, B, width] += weights [K, T] times output. What is kept for the way back (if `keep`): bits
    of x and z [T, B, .], and either near [tiles, T, TILE_ROWS, .], what the step says, u - threshold in most cases, or, if
    that has no rows, starts [segments, B, S, width], the state before each segment.
    Returns the number of input events, and whether any input was other than 0 or 1.
    """
    T, B, I = x.shape  # noqa: E741
    H, width, S, size = out.shape[2], w_rec.shape[1], state.shape[1], near.shape[3]
    kept = len(near) > 0
    scratch = np.zeros((TILE_ROWS, size), np.float32)
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    z, z_words = np.zeros((TILE_ROWS, width), np.float32), np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64)
    lines, values = np.empty(max(I, H), np.int64), np.ones(max(I, H), np.float32)
    x_rows, x_at, z_at, near_at = x.reshape(T * B, I), x.ctypes.data, z.ctypes.data, near.ctypes.data
    drive_at, recurrent_at, state_at = drive.ctypes.data, recurrent.ctypes.data, state.ctypes.data
    input_events, graded = 0, False
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        for t in range(T):
            now = t if keep else 0
            for b in range(start, start + rows):
                row = t * B + b
                input_events += set_bits(x_rows, at(x_at, row, I), row, I, x_bits, now, b, B * I * FLOAT)
            if keep and not kept and t % SEGMENT == 0:
                starts[t // SEGMENT, start : start + rows] = state[start : start + rows]
            graded |= drive_tile(x, x_bits, z_words, w_in, w_rec, first, z, drive, recurrent, lines, values, t, now, start,
                                 rows)  # fmt: skip
            for k in range(rows):
                b = start + k
                if t >= lengths[b]:
                    continue
                here = at(near_at, (start // TILE_ROWS * T + t) * TILE_ROWS + k, size) if kept else scratch.ctypes.data
                call_rows(code, at(state_at, b * S, width), at(drive_at, k, width), at(recurrent_at, k, width),
                          neurons.ctypes.data, here, at(z_at, k, width), width)  # fmt: skip
                if len(w_rec):
                    set_bits(z, at(z_at, k, width), k, H, z_words, 0, k, 0)
                if keep:
                    for w in range(z_words.shape[2]):
                        z_bits[t, b, w] = z_words[0, k, w]
                if len(out):
                    for h in range(H):
                        out[t, b, h] = z[k, h]
                for n in range(len(weights)):
                    if weights[n, t] != 0:
                        for h in range(width):
                            summed[n, b, h] += weights[n, t] * z[k, h]
    return input_events, graded


@inlined
def drive_tile(x, x_bits, z_words, w_in, w_rec, first, z, drive, recurrent, lines, values, t, now, start, rows):
    """drive = W_in x, recurrent = W_rec z for the samples of a tile at step t: from x_bits[now], and from the spikes of
    the step before, as numbers z [TILE_ROWS, width] and bits z_words. Says whether any input was other than 0 or 1."""
    (_, B, I), (H, width), graded = x.shape, w_rec.shape, False  # noqa: E741
    drive_at, recurrent_at, lines_at, values_at = (
        drive.ctypes.data, recurrent.ctypes.data, lines.ctypes.data, values.ctypes.data,
    )  # fmt: skip
    drive[:] = 0
    if rows == TILE_ROWS and count_events(x_bits, now, start, rows) > DENSE * rows * I:
        add_product(drive_at, at(x.ctypes.data, t * B + start, I), I, w_in.ctypes.data, I, width)
        graded = True
    else:
        for k in range(rows):
            n = list_events(x_bits, now, start + k, lines)
            for e in range(n):
                values[e] = x[t, start + k, lines[e]]
                graded |= values[e] != 1
            add_rows(at(drive_at, k, width), w_in.ctypes.data, width, lines_at, values_at, n)
    if t == 0:
        for k in range(rows):
            recurrent[k] = first[start + k]
        return graded
    recurrent[:] = 0
    if rows == TILE_ROWS and count_events(z_words, 0, 0, rows) > DENSE * rows * H:
        add_product(recurrent_at, z.ctypes.data, width, w_rec.ctypes.data, H, width)
    else:
        count = z_words.shape[2]
        for k in range(rows):
            words_at = z_words.ctypes.data + k * count * WORD
            add_marked_rows(at(recurrent_at, k, width), w_rec.ctypes.data, width, words_at, count)
    return graded


@inlined
def run_again(code, x, first, w_in, w_rec, neurons, starts, x_bits, z_bits, drive, recurrent, z, z_words, state, lines,
              values, near, begin, end, start, rows):  # fmt: skip
    """The steps begin to end of a tile once more, from the state before them: near [1, SEGMENT, TILE_ROWS, .]."""
    H, width, S = len(w_rec), w_rec.shape[1], state.shape[1]
    for k in range(rows):
        state[k] = starts[begin // SEGMENT, start + k]
    for t in range(begin, end):
        if t > 0:
            for k in range(rows):
                for w in range(z_words.shape[2]):
                    z_words[0, k, w] = z_bits[t - 1, start + k, w]
                if t == begin:
                    for h in range(H):
                        z[k, h] = (z_words[0, k, h // 64] >> np.uint64(h % 64)) & np.uint64(1)
        drive_tile(x, x_bits, z_words, w_in, w_rec, first, z, drive, recurrent, lines, values, t, t, start, rows)
        for k in range(rows):
            call_rows(code, at(state.ctypes.data, k * S, width), at(drive.ctypes.data, k, width),
                      at(recurrent.ctypes.data, k, width), neurons.ctypes.data,
                      at(near.ctypes.data, t % SEGMENT * TILE_ROWS + k, near.shape[3]),
                      at(z.ctypes.data, k, width), width)  # fmt: skip
