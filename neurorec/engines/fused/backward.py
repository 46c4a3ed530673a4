"""The backward time loop over the samples of one thread: the exact adjoint, with the surrogate for the spike."""

from typing import Any, cast

import numba
import numpy as np

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, WORD, at, inlined, list_bits, list_events, set_bits
from neurorec.engines.fused.emit import TILE_ROWS
from neurorec.engines.fused.forward import SEGMENT, addresses_of, new_tile, run_again
from neurorec.engines.fused.loop_data import Again, Events, Part

ACTIVE = 0.35  #: share of neurons with a surrogate derivative above which the dense product is faster
BLOCK = 64 // TILE_ROWS  #: steps of a tile whose gradients are added to the weights together, one bit of a word per row
add_dots, add_product = cast(Any, vectors.add_dots), cast(Any, vectors.add_product)
add_rows, add_marked_rows = cast(Any, vectors.add_rows), cast(Any, vectors.add_marked_rows)
call_rows, fetch_row = cast(Any, vectors.call_rows), cast(Any, vectors.fetch_row)
transpose_bits = cast(Any, vectors.transpose_bits)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def backward_rows(code, compact, graded, given, kept, w_rec, state, sent, added, low, high):
    """Samples low to high, from what `forward_rows` kept (near [1, SEGMENT, TILE_ROWS, .] is scratch space if it kept
    starts), and from the gradient of the output. w_rec [H, width] by receiving neuron; state [B, ., width] is the gradient of
    the final state and becomes that of the initial state, followed by those of the learned rows. If the surrogate is
    `compact`, gz is computed only where its derivative is not zero."""
    near, x_bits, z_bits, lengths, drive_gradient = kept.near, kept.x_bits, kept.z_bits, given.lengths, added.drive
    out, weights, summed = sent.out, sent.weights, sent.summed
    (H, width), T, S, I = w_rec.shape, len(z_bits), state.shape[1], given.x.shape[2]  # noqa: E741
    runs_again, recurs, steps, size = len(kept.starts) > 0, z_bits.shape[2] > 0, near.shape[1], near.shape[3]
    tile = new_tile(I, width, z_bits.shape[2])
    here_at, lines, x = addresses_of(given, x_bits, tile), tile.lines, given.x
    tile_state = np.zeros((TILE_ROWS, kept.starts.shape[2], width), np.float32)
    again = Again(kept.starts, z_bits, tile_state, tile_state.ctypes.data, near.ctypes.data, size)
    drives, gz = np.zeros((64, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    derivative = np.zeros((TILE_ROWS, width), np.float32)
    active, words = np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64), np.zeros(64, np.uint64)
    drives_at, gz_at, near_at, derivative_at = (
        drives.ctypes.data,
        gz.ctypes.data,
        near.ctypes.data,
        derivative.ctypes.data,
    )
    state_at, out_at, rec_at = state.ctypes.data, out.ctypes.data, w_rec.ctypes.data
    events = Events(words, tile.lines, tile.values, words.ctypes.data, here_at.lines, here_at.values, drives_at,
                    width)  # fmt: skip
    in_out_at, rec_out_at = added.w_in.ctypes.data, added.w_rec.ctypes.data
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        drives[:] = 0
        for t in range(T - 1, -1, -1):
            if runs_again and (t == T - 1 or t % SEGMENT == SEGMENT - 1):
                part = Part(t // SEGMENT * SEGMENT, t + 1, start, rows)
                run_again(code.step, given, x_bits, tile, here_at, again, graded, part)
            near_row = ((0 if runs_again else start // TILE_ROWS * T) + t % steps) * TILE_ROWS
            here, before, sensitive = t % BLOCK * TILE_ROWS, (t + 1) % BLOCK * TILE_ROWS, 0
            for k in range(rows):
                spread(out, out_at, weights, summed, gz, t, start + k, k)
                if compact and recurs and t < T - 1:
                    call_rows(code.slope, at(near_at, near_row + k, size), here_at.neurons, at(derivative_at, k, width), 0, 0,
                              0, width)  # fmt: skip
                    sensitive += set_bits(derivative, at(derivative_at, k, width), k, H, active, 0, k, 0)
            if recurs and t < T - 1 and (not compact or sensitive > ACTIVE * TILE_ROWS * H):
                add_product(gz_at, at(drives_at, before, width), width, rec_at, H, width)
            elif recurs and t < T - 1:
                for k in range(rows):
                    n = list_events(active, 0, k, lines)
                    add_dots(
                        at(gz_at, k, width), at(drives_at, before + k, width), here_at.w_rec, width, here_at.lines, n
                    )
            for k in range(rows):
                if t >= lengths[start + k]:
                    continue
                call_rows(code.adjoint, at(state_at, (start + k) * S, width), at(gz_at, k, width),
                          at(near_at, near_row + k, size), here_at.neurons, at(drives_at, here + k, width), 0,
                          width)  # fmt: skip
                if t < len(drive_gradient):
                    for h in range(H):
                        drive_gradient[t, start + k, h] = drives[here + k, h]
            if t % BLOCK == 0:
                part = Part(t, min(T, t + BLOCK), start, rows)
                if len(added.w_in):
                    add_events(in_out_at, I, x_bits, 0, x, graded, events, part)
                if len(added.w_rec):
                    add_events(rec_out_at, H, z_bits, 1, x, False, events, part)


@inlined
def spread(out, out_at, weights, summed, gz, t, b, k):
    """gz[k] = the gradient of the spikes of sample b at step t."""
    _, B, H = out.shape
    if len(out):
        fetch_row(at(out_at, max(t - 1, 0) * B + b, H), H * FLOAT)
        for h in range(H):
            gz[k, h] = out[t, b, h]
    else:
        for h in range(H):
            gz[k, h] = 0
    for h in range(H, gz.shape[1]):
        gz[k, h] = 0
    for n in range(len(weights)):
        if weights[n, t] != 0:
            for h in range(H):
                gz[k, h] += weights[n, t] * summed[n, b, h]


@inlined
def add_events(out_at, size, bits, lag, x, graded, events, part):
    """Row of each line at out_at += value times gradient of the drive, for every event in `bits` in the steps of `part`
    minus `lag`. Line by line, so that its row stays in registers for all events of up to 64 rows."""
    words, lines, values, width = events.words, events.lines, events.values, events.width
    for w in range(bits.shape[2]):
        found = np.uint64(0)
        words[:] = 0
        for t in range(max(part.begin, lag), part.end):
            for k in range(part.rows):
                words[(t - part.begin) * TILE_ROWS + k] = bits[t - lag, part.start + k, w]
                found |= bits[t - lag, part.start + k, w]
        if found == 0:
            continue
        transpose_bits(events.words_at)
        for line in range(64 * w, min(size, 64 * w + 64)):
            word, total = words[line - 64 * w], at(out_at, line, width)
            if word != 0 and not graded:
                add_marked_rows(total, events.drives_at, width, events.words_at + (line - 64 * w) * WORD, 1)
            elif word != 0:
                n = list_bits(word, 0, lines, 0)
                for e in range(n):
                    values[e] = x[part.begin + lines[e] // TILE_ROWS, part.start + lines[e] % TILE_ROWS, line]
                add_rows(total, events.drives_at, width, events.lines_at, events.values_at, n)
