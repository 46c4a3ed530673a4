"""The time loop forward, over the samples one thread owns, and the part of it that the way back runs again.

Asking an array for its address counts a reference, atomically; so addresses are asked for once, before the loops. An
address keeps no array alive: one that is accessed only by its address must be an argument.
"""

from typing import Any, cast

import numba
import numpy as np

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, WORD, at, count_events, inlined, list_events, set_bits
from neurorec.engines.fused.emit import TILE_ROWS
from neurorec.engines.fused.loop_data import Addresses, Tile

DENSE = 0.5  #: share of lines with an event above which a dense product of a whole tile is faster
SEGMENT = 32  #: steps that the way back runs again at once, where u - threshold was not kept
add_product, add_rows = cast(Any, vectors.add_product), cast(Any, vectors.add_rows)
add_marked_rows, call_rows = cast(Any, vectors.add_marked_rows), cast(Any, vectors.call_rows)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def forward_rows(step, keep, given, state, sent, kept, low, high):
    """Samples low to high. state [B, S, width] is left as the final state; `sent` and (if `keep`) `kept` are filled.

    Returns the number of input events, and whether any input was other than 0 or 1.
    """
    x, lengths, near, starts, x_bits, z_bits = given.x, given.lengths, kept.near, kept.starts, kept.x_bits, kept.z_bits
    out, weights, summed = sent.out, sent.weights, sent.summed
    (T, B, I), (lines_back, width), H, S, size = x.shape, given.w_rec.shape, out.shape[2], state.shape[1], near.shape[3]  # noqa: E741
    all_kept, input_events, graded = keep and len(starts) == 0, 0, False
    x_rows, first, tile = x.reshape(T * B, I), given.first, new_tile(I, width, z_bits.shape[2])
    z, z_words, drive, recurrent, lines, values = tile
    here, state_at, near_at = addresses_of(given, x_bits, tile), state.ctypes.data, near.ctypes.data
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        for t in range(T):
            now = t if keep else 0
            for b in range(start, start + rows):
                row = t * B + b
                input_events += set_bits(x_rows, at(here.x, row, I), row, I, x_bits, now, b, B * I * FLOAT)
            if keep and len(starts) and t % SEGMENT == 0:
                starts[t // SEGMENT, start : start + rows] = state[start : start + rows]
            graded |= drive_by_input(here, x, x_bits, drive, lines, values, True, t, now, start, rows)
            drive_by_spikes(here, first, z_words, recurrent, lines_back, t, start, rows)
            near_row = (start // TILE_ROWS * T + t) * TILE_ROWS if all_kept else 0
            for k in range(rows):
                b, z_row = start + k, at(here.z, k, width)
                if t >= lengths[b]:
                    continue
                call_rows(step, at(state_at, b * S, width), at(here.drive, k, width), at(here.recurrent, k, width),
                          here.neurons, at(near_at, near_row + k, size), z_row, width)  # fmt: skip
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
def new_tile(I, width, words):  # noqa: E741
    z, z_words = np.zeros((TILE_ROWS, width), np.float32), np.zeros((1, TILE_ROWS, words), np.uint64)
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    most = max(I, 64 * words, 64)
    return Tile(z, z_words, drive, recurrent, np.empty(most, np.int64), np.ones(most, np.float32))


@inlined
def addresses_of(given, x_bits, tile):
    return Addresses(
        given.x.ctypes.data, x_bits.ctypes.data, given.w_in.ctypes.data, given.w_rec.ctypes.data, given.neurons.ctypes.data,
        tile.z.ctypes.data, tile.z_words.ctypes.data, tile.drive.ctypes.data, tile.recurrent.ctypes.data,
        tile.lines.ctypes.data, tile.values.ctypes.data,
    )  # fmt: skip


@inlined
def drive_by_input(here, x, x_bits, drive, lines, values, look, t, now, start, rows):
    """drive = W_in x for the samples of a tile at step t, from x_bits[now]. Says whether any input was other than 0 or 1, if
    it must `look`; else none is."""
    (_, B, I), width, words, graded = x.shape, drive.shape[1], x_bits.shape[2], False  # noqa: E741
    drive[:] = 0
    if rows == TILE_ROWS and count_events(x_bits, now, start, rows) > DENSE * rows * I:
        add_product(here.drive, at(here.x, t * B + start, I), I, here.w_in, I, width)
        graded = True
    elif not look:
        for k in range(rows):
            bits = here.x_bits + (now * B + start + k) * words * WORD
            add_marked_rows(at(here.drive, k, width), here.w_in, width, bits, words)
    else:
        for k in range(rows):
            n = list_events(x_bits, now, start + k, lines)
            for e in range(n):
                values[e] = x[t, start + k, lines[e]]
                graded |= values[e] != 1
            add_rows(at(here.drive, k, width), here.w_in, width, here.lines, here.values, n)
    return graded


@inlined
def drive_by_spikes(here, first, z_words, recurrent, lines_back, t, start, rows):
    """recurrent = W_rec z for the samples of a tile at step t, from the spikes of the step before, as numbers z and as bits
    z_words; at the first step, `first`."""
    width, words = recurrent.shape[1], z_words.shape[2]
    for k in range(rows):
        for h in range(width):
            recurrent[k, h] = first[start + k, h] if t == 0 else np.float32(0)
    if t > 0 and rows == TILE_ROWS and count_events(z_words, 0, 0, rows) > DENSE * rows * lines_back:
        add_product(here.recurrent, here.z, width, here.w_rec, lines_back, width)
    elif t > 0:
        for k in range(rows):
            add_marked_rows(at(here.recurrent, k, width), here.w_rec, width, here.z_words + k * words * WORD, words)


@inlined
def run_again(step, given, x_bits, tile, here, again, graded, part):
    """The steps of `part` once more, from the state before them: what is kept of them to [SEGMENT, TILE_ROWS, size] at
    near_at."""
    x, first, lines_back, start, rows = given.x, given.first, len(given.w_rec), part.start, part.rows
    z, z_words, drive, recurrent, lines, values = tile
    starts, z_bits, state = again.starts, again.z_bits, again.state
    _, S, width = state.shape
    for k in range(rows):
        for s in range(S):
            for h in range(width):
                state[k, s, h] = starts[part.begin // SEGMENT, start + k, s, h]
    for t in range(part.begin, part.end):
        if t > 0:
            for k in range(rows):
                for w in range(z_words.shape[2]):
                    z_words[0, k, w] = z_bits[t - 1, start + k, w]
                if t == part.begin:
                    for h in range(lines_back):
                        z[k, h] = (z_words[0, k, h // 64] >> np.uint64(h % 64)) & np.uint64(1)
        drive_by_input(here, x, x_bits, drive, lines, values, graded, t, t, start, rows)
        drive_by_spikes(here, first, z_words, recurrent, lines_back, t, start, rows)
        for k in range(rows):
            call_rows(step, at(again.state_at, k * S, width), at(here.drive, k, width), at(here.recurrent, k, width),
                      here.neurons, at(again.near_at, t % SEGMENT * TILE_ROWS + k, again.size), at(here.z, k, width),
                      width)  # fmt: skip
