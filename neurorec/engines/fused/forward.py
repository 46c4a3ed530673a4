"""The forward time loop over the samples of one thread, and the part of it that the backward pass recomputes.

Taking the address of an array updates its reference count atomically, so addresses are taken once, before the loops. An
address does not keep an array alive: an array accessed only by its address must be an argument.
"""

from typing import Any, cast

import numba
import numpy as np

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, WORD, at, count_events, inlined, list_events, set_bits, written_in
from neurorec.engines.fused.emit import TILE_ROWS
from neurorec.engines.fused.loop_data import Lines, Tile

DENSE = 0.5  #: share of active lines above which a dense product of a whole tile is faster
SEGMENT = 32  #: steps recomputed together in the backward pass if u - threshold was not kept
add_product, add_rows = cast(Any, vectors.add_product), cast(Any, vectors.add_rows)
add_marked_rows, call_rows = cast(Any, vectors.add_marked_rows), cast(Any, vectors.call_rows)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def forward_rows(step, keep, given, state, sent, kept, low, high):
    """Samples low to high. state [B, S, width] becomes the final state; `sent` and (if `keep`) `kept` are filled.

    Returns the number of input events, and whether any input was other than 0 or 1.
    """
    x, lengths, near, starts, x_bits, z_bits = given.x, given.lengths, kept.near, kept.starts, kept.x_bits, kept.z_bits
    out, weights, summed = sent.out, sent.weights, sent.summed
    (T, B, I), (lines_back, width), H, S, size = x.shape, given.w_rec.shape, out.shape[2], state.shape[1], near.shape[3]  # noqa: E741
    all_kept, input_events, graded = keep and len(starts) == 0, 0, False
    x_rows, tile = x.reshape(T * B, I), new_tile(I, width, z_bits.shape[2], given.neurons)
    layer, z, z_words = layer_of(given, x_bits), tile.z, tile.z_words
    state_at, near_at = state.ctypes.data, near.ctypes.data
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        for t in range(T):
            now = t if keep else 0
            for b in range(start, start + rows):
                row = t * B + b
                input_events += set_bits(x_rows, at(layer.x_at, row, I), row, I, x_bits, now, b, B * I * FLOAT)
            if keep and len(starts) and t % SEGMENT == 0:
                starts[t // SEGMENT, start : start + rows] = state[start : start + rows]
            graded |= drive_tile(layer, tile, True, t, now, start, rows)
            near_row = (start // TILE_ROWS * T + t) * TILE_ROWS if all_kept else 0
            for k in range(rows):
                b, z_row = start + k, at(tile.z_at, k, width)
                if t >= lengths[b]:
                    continue
                call_rows(step, at(state_at, b * S, width), at(tile.drive_at, k, width), at(tile.recurrent_at, k, width),
                          tile.neurons_at, at(near_at, near_row + k, size), z_row, width)  # fmt: skip
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
def new_tile(I, width, words, neurons):  # noqa: E741
    z, z_words = np.zeros((TILE_ROWS, width), np.float32), np.zeros((1, TILE_ROWS, words), np.uint64)
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    lines, values = np.empty(max(I, 64 * words, 64), np.int64), np.ones(max(I, 64 * words, 64), np.float32)
    return Tile(z, z_words, drive, recurrent, lines, values, z.ctypes.data, z_words.ctypes.data, drive.ctypes.data,
                recurrent.ctypes.data, lines.ctypes.data, values.ctypes.data, neurons.ctypes.data)  # fmt: skip


@inlined
def layer_of(given, x_bits):
    return Lines(given.x, x_bits, given.first, given.x.ctypes.data, x_bits.ctypes.data, given.w_in.ctypes.data,
                 given.w_rec.ctypes.data, len(given.w_rec))  # fmt: skip


@written_in
def drive_tile(layer, tile, look, t, now, start, rows):
    """drive = W_in x, recurrent = W_rec z for the samples of a tile at step t, from x_bits[now] and the spikes of the previous
    step, as numbers z and as bits z_words. If `look`, returns whether any input was other than 0 or 1."""
    x, x_bits, first, z_words, recurrent = layer.x, layer.x_bits, layer.first, tile.z_words, tile.recurrent
    lines, values, H = tile.lines, tile.values, layer.lines_back
    (_, B, I), width, count, graded = x.shape, recurrent.shape[1], z_words.shape[2], False  # noqa: E741
    tile.drive[:] = 0
    if rows == TILE_ROWS and count_events(x_bits, now, start, rows) > DENSE * rows * I:
        add_product(tile.drive_at, at(layer.x_at, t * B + start, I), I, layer.in_at, I, width)
        graded = True
    elif not look:
        words = x_bits.shape[2]
        for k in range(rows):
            here = layer.x_bits_at + (now * B + start + k) * words * WORD
            add_marked_rows(at(tile.drive_at, k, width), layer.in_at, width, here, words)
    else:
        for k in range(rows):
            n = list_events(x_bits, now, start + k, lines)
            for e in range(n):
                values[e] = x[t, start + k, lines[e]]
                graded |= values[e] != 1
            add_rows(at(tile.drive_at, k, width), layer.in_at, width, tile.lines_at, tile.values_at, n)
    for k in range(rows):
        for h in range(width):
            recurrent[k, h] = first[start + k, h] if t == 0 else np.float32(0)
    if t > 0 and rows == TILE_ROWS and count_events(z_words, 0, 0, rows) > DENSE * rows * H:
        add_product(tile.recurrent_at, tile.z_at, width, layer.rec_at, H, width)
    elif t > 0:
        for k in range(rows):
            add_marked_rows(
                at(tile.recurrent_at, k, width), layer.rec_at, width, tile.words_at + k * count * WORD, count
            )
    return graded


@written_in
def run_again(step, layer, tile, again, graded, part):
    """Recompute the steps of `part` from the state before them, and store what is kept of them at near_at
    [SEGMENT, TILE_ROWS, size]."""
    z, z_words, starts, z_bits, state = tile.z, tile.z_words, again.starts, again.z_bits, again.state
    _, S, width = state.shape
    for k in range(part.rows):
        for s in range(S):
            for h in range(width):
                state[k, s, h] = starts[part.begin // SEGMENT, part.start + k, s, h]
    for t in range(part.begin, part.end):
        if t > 0:
            for k in range(part.rows):
                for w in range(z_words.shape[2]):
                    z_words[0, k, w] = z_bits[t - 1, part.start + k, w]
                if t == part.begin:
                    for h in range(layer.lines_back):
                        z[k, h] = (z_words[0, k, h // 64] >> np.uint64(h % 64)) & np.uint64(1)
        drive_tile(layer, tile, graded, t, t, part.start, part.rows)
        for k in range(part.rows):
            call_rows(step, at(again.state_at, k * S, width), at(tile.drive_at, k, width), at(tile.recurrent_at, k, width),
                      tile.neurons_at, at(again.near_at, t % SEGMENT * TILE_ROWS + k, again.size), at(tile.z_at, k, width),
                      width)  # fmt: skip
