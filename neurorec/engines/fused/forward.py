"""The time loop forward, over the samples one thread owns, and the part of it that the way back runs again.

Asking an array for its address counts a reference, atomically; so addresses are asked for once, before the loops. An
address keeps no array alive: one that is reached by its address alone must be an argument.
"""

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
def forward_rows(code, keep, x, lengths, first, w_in, w_rec, state, neurons, weights, out, summed, near, starts, x_bits,
                 z_bits, low, high):  # fmt: skip
    """Samples low to high.

    x [T, B, I]; lengths [B], the steps that each takes part in; first [B, width] W_rec z of before; w_in [I, width], w_rec
    [H, width] by line, with no rows where nothing recurs; state [B, S, width], left as the final state; out [T, B, H], or no
    rows if nobody asks; summed [K, B, width] += weights [K, T] times output. What is kept for the way back (if `keep`): bits
    of x and z [T, B, .], and either starts [segments, B, S, width], the state before each segment, or, if that has no rows,
    near [tiles, T, TILE_ROWS, .], what the step says, u - threshold in most cases; else one tile of it is lent.
    Returns the number of input events, and whether any input was other than 0 or 1.
    """
    (T, B, I), (lines_back, width), H, S, size = x.shape, w_rec.shape, out.shape[2], state.shape[1], near.shape[3]  # noqa: E741
    kept, input_events, graded = keep and len(starts) == 0, 0, False
    x_rows = x.reshape(T * B, I)
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    z, z_words = np.zeros((TILE_ROWS, width), np.float32), np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64)
    lines, values = np.empty(I, np.int64), np.ones(I, np.float32)
    x_at, z_at, state_at, neurons_at = x.ctypes.data, z.ctypes.data, state.ctypes.data, neurons.ctypes.data
    drive_at, recurrent_at, near_at = drive.ctypes.data, recurrent.ctypes.data, near.ctypes.data
    layer = (x_at, x_bits.ctypes.data, w_in.ctypes.data, w_rec.ctypes.data, lines_back)
    tile = (z_at, z_words.ctypes.data, drive_at, recurrent_at, lines.ctypes.data, values.ctypes.data)
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        for t in range(T):
            now = t if keep else 0
            for b in range(start, start + rows):
                row = t * B + b
                input_events += set_bits(x_rows, at(x_at, row, I), row, I, x_bits, now, b, B * I * FLOAT)
            if keep and len(starts) and t % SEGMENT == 0:
                starts[t // SEGMENT, start : start + rows] = state[start : start + rows]
            graded |= drive_tile(
                layer, tile, True, x, x_bits, z_words, first, drive, recurrent, lines, values, t, now, start, rows
            )
            near_row = (start // TILE_ROWS * T + t) * TILE_ROWS if kept else 0
            for k in range(rows):
                b, z_row = start + k, at(z_at, k, width)
                if t >= lengths[b]:
                    continue
                call_rows(code, at(state_at, b * S, width), at(drive_at, k, width), at(recurrent_at, k, width), neurons_at,
                          at(near_at, near_row + k, size), z_row, width)  # fmt: skip
                if lines_back:
                    set_bits(z, z_row, k, H, z_words, 0, k, 0)
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
def drive_tile(layer, tile, look, x, x_bits, z_words, first, drive, recurrent, lines, values, t, now, start, rows):
    """drive = W_in x, recurrent = W_rec z for the samples of a tile at step t: from x_bits[now], and from the spikes of
    the step before, as numbers z and as bits z_words. Says whether any input was other than 0 or 1, if it must `look`;
    else none is."""
    x_at, x_bits_at, in_at, rec_at, H = layer
    z_at, words_at, drive_at, recurrent_at, lines_at, values_at = tile
    (_, B, I), width, count, graded = x.shape, drive.shape[1], z_words.shape[2], False  # noqa: E741
    drive[:] = 0
    if rows == TILE_ROWS and count_events(x_bits, now, start, rows) > DENSE * rows * I:
        add_product(drive_at, at(x_at, t * B + start, I), I, in_at, I, width)
        graded = True
    elif not look:
        for k in range(rows):
            words = x_bits.shape[2]
            add_marked_rows(
                at(drive_at, k, width), in_at, width, x_bits_at + (now * B + start + k) * words * WORD, words
            )
    else:
        for k in range(rows):
            n = list_events(x_bits, now, start + k, lines)
            for e in range(n):
                values[e] = x[t, start + k, lines[e]]
                graded |= values[e] != 1
            add_rows(at(drive_at, k, width), in_at, width, lines_at, values_at, n)
    for k in range(rows):
        for h in range(width):
            recurrent[k, h] = first[start + k, h] if t == 0 else np.float32(0)
    if t > 0 and rows == TILE_ROWS and count_events(z_words, 0, 0, rows) > DENSE * rows * H:
        add_product(recurrent_at, z_at, width, rec_at, H, width)
    elif t > 0:
        for k in range(rows):
            add_marked_rows(at(recurrent_at, k, width), rec_at, width, words_at + k * count * WORD, count)
    return graded


@inlined
def run_again(code, layer, tile, graded, x, first, neurons_at, starts, x_bits, z_bits, state, state_at, near_at, size, z,
              z_words, drive, recurrent, lines, values, begin, end, start, rows):  # fmt: skip
    """The steps begin to end of a tile once more, from the state before them: what is kept of them to
    [SEGMENT, TILE_ROWS, size] at near_at."""
    z_at, _, drive_at, recurrent_at, _, _ = tile
    _, S, width = state.shape
    for k in range(rows):
        for s in range(S):
            for h in range(width):
                state[k, s, h] = starts[begin // SEGMENT, start + k, s, h]
    for t in range(begin, end):
        if t > 0:
            for k in range(rows):
                for w in range(z_words.shape[2]):
                    z_words[0, k, w] = z_bits[t - 1, start + k, w]
                if t == begin:
                    for h in range(layer[4]):
                        z[k, h] = (z_words[0, k, h // 64] >> np.uint64(h % 64)) & np.uint64(1)
        drive_tile(layer, tile, graded, x, x_bits, z_words, first, drive, recurrent, lines, values, t, t, start, rows)
        for k in range(rows):
            call_rows(code, at(state_at, k * S, width), at(drive_at, k, width), at(recurrent_at, k, width), neurons_at,
                      at(near_at, t % SEGMENT * TILE_ROWS + k, size), at(z_at, k, width), width)  # fmt: skip
