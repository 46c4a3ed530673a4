"""The time loop backward, over the samples one thread owns: the exact adjoint, with the surrogate for the spike."""

from typing import Any, cast

import numba
import numpy as np

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, WORD, at, inlined, list_bits, list_events, set_bits
from neurorec.engines.fused.emit import TILE_ROWS
from neurorec.engines.fused.forward import SEGMENT, run_again

ACTIVE = 0.35  #: share of neurons with a surrogate derivative above which the dense product is faster
BLOCK = 64 // TILE_ROWS  #: steps of a tile whose gradients go to the weights together, one bit of a word for each row
add_dots, add_product = cast(Any, vectors.add_dots), cast(Any, vectors.add_product)
add_rows, add_marked_rows = cast(Any, vectors.add_rows), cast(Any, vectors.add_marked_rows)
call_rows, fetch_row = cast(Any, vectors.call_rows), cast(Any, vectors.fetch_row)
transpose_bits = cast(Any, vectors.transpose_bits)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def backward_rows(step, adjoint, slope, compact, gradient, weights, summed, near, starts, x, lengths, x_bits, z_bits,
                  graded, first, w_in_lines, w_rec_lines, w_rec, state, neurons, w_in_gradient, w_rec_gradient,
                  drive_gradient, low, high):  # fmt: skip
    """Samples low to high, from what `forward_rows` kept (near [1, SEGMENT, TILE_ROWS, .] is lent if it kept starts), and
    from the gradient of the output: gradient [T or 0, B, H], and weights [K, T] times summed [K, B, width]. w_rec [H, width]
    by receiving neuron, the others by line; state [B, ., width] the gradient of the final state, left as that of the first,
    and then those of the learned rows. Adds to w_in_gradient [I, width] and w_rec_gradient [H, width], by line, unless they
    have no rows; writes drive_gradient [T or 1, B, H] (0 before, if lengths differ), whose last written entry of one row is
    that of the first step. Where the surrogate is `compact`, gz is worked out only where its derivative is not zero."""
    (H, width), T, S, I = w_rec.shape, len(z_bits), state.shape[1], x.shape[2]  # noqa: E741
    again, recurs, steps, size = len(starts) > 0, z_bits.shape[2] > 0, near.shape[1], near.shape[3]
    tile_state = np.zeros((TILE_ROWS, starts.shape[2], width), np.float32)
    drive, recurrent = np.zeros((TILE_ROWS, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    z, z_words = np.zeros((TILE_ROWS, width), np.float32), np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64)
    drives, gz = np.zeros((64, width), np.float32), np.zeros((TILE_ROWS, width), np.float32)
    derivative = np.zeros((TILE_ROWS, width), np.float32)
    active, words = np.zeros((1, TILE_ROWS, z_bits.shape[2]), np.uint64), np.zeros(64, np.uint64)
    lines, values = np.empty(max(I, H, 64), np.int64), np.ones(max(I, H, 64), np.float32)
    drives_at, gz_at, near_at, derivative_at = (
        drives.ctypes.data,
        gz.ctypes.data,
        near.ctypes.data,
        derivative.ctypes.data,
    )
    state_at, neurons_at, gradient_at = state.ctypes.data, neurons.ctypes.data, gradient.ctypes.data
    rec_at, rec_lines_at, tile_state_at = w_rec.ctypes.data, w_rec_lines.ctypes.data, tile_state.ctypes.data
    lines_at, events = lines.ctypes.data, (words.ctypes.data, lines.ctypes.data, values.ctypes.data, drives.ctypes.data)
    in_out_at, rec_out_at = w_in_gradient.ctypes.data, w_rec_gradient.ctypes.data
    layer = (x.ctypes.data, x_bits.ctypes.data, w_in_lines.ctypes.data, w_rec_lines.ctypes.data, H if recurs else 0)
    tile = (z.ctypes.data, z_words.ctypes.data, drive.ctypes.data, recurrent.ctypes.data, lines.ctypes.data,
            values.ctypes.data)  # fmt: skip
    for start in range(low, high, TILE_ROWS):
        rows = min(TILE_ROWS, high - start)
        drives[:] = 0
        for t in range(T - 1, -1, -1):
            if again and (t == T - 1 or t % SEGMENT == SEGMENT - 1):
                run_again(step, layer, tile, graded, x, first, neurons_at, starts, x_bits, z_bits, tile_state, tile_state_at,
                          near_at, size, z, z_words, drive, recurrent, lines, values, t // SEGMENT * SEGMENT, t + 1, start,
                          rows)  # fmt: skip
            near_row = ((0 if again else start // TILE_ROWS * T) + t % steps) * TILE_ROWS
            here, before, sensitive = t % BLOCK * TILE_ROWS, (t + 1) % BLOCK * TILE_ROWS, 0
            for k in range(rows):
                spread(gradient, gradient_at, weights, summed, gz, t, start + k, k)
                if compact and recurs and t < T - 1:
                    call_rows(slope, at(near_at, near_row + k, size), neurons_at, at(derivative_at, k, width), 0, 0, 0,
                              width)  # fmt: skip
                    sensitive += set_bits(derivative, at(derivative_at, k, width), k, H, active, 0, k, 0)
            if recurs and t < T - 1 and (not compact or sensitive > ACTIVE * TILE_ROWS * H):
                add_product(gz_at, at(drives_at, before, width), width, rec_at, H, width)
            elif recurs and t < T - 1:
                for k in range(rows):
                    n = list_events(active, 0, k, lines)
                    add_dots(at(gz_at, k, width), at(drives_at, before + k, width), rec_lines_at, width, lines_at, n)
            for k in range(rows):
                if t >= lengths[start + k]:
                    continue
                call_rows(adjoint, at(state_at, (start + k) * S, width), at(gz_at, k, width),
                          at(near_at, near_row + k, size), neurons_at, at(drives_at, here + k, width), 0, width)  # fmt: skip
                if t < len(drive_gradient):
                    for h in range(H):
                        drive_gradient[t, start + k, h] = drives[here + k, h]
            if t % BLOCK == 0:
                end = min(T, t + BLOCK)
                if len(w_in_gradient):
                    add_events(
                        in_out_at, I, width, events, x_bits, 0, x, graded, words, lines, values, t, end, start, rows
                    )
                if len(w_rec_gradient):
                    add_events(
                        rec_out_at, H, width, events, z_bits, 1, x, False, words, lines, values, t, end, start, rows
                    )


@inlined
def spread(gradient, gradient_at, weights, summed, gz, t, b, k):
    """gz[k] = the gradient of the spikes of sample b at step t."""
    _, B, H = gradient.shape
    if len(gradient):
        fetch_row(at(gradient_at, max(t - 1, 0) * B + b, H), H * FLOAT)
        for h in range(H):
            gz[k, h] = gradient[t, b, h]
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
def add_events(out_at, size, width, events, bits, lag, x, graded, words, lines, values, begin, end, start, rows):
    """The row at out_at of a line += value times gradient of the drive, for every event in `bits` of steps begin to end,
    less `lag`, of a tile. Line by line, so that its row stays in registers for all events of up to 64 rows."""
    words_at, lines_at, values_at, drives_at = events
    for w in range(bits.shape[2]):
        found = np.uint64(0)
        words[:] = 0
        for t in range(max(begin, lag), end):
            for k in range(rows):
                words[(t - begin) * TILE_ROWS + k] = bits[t - lag, start + k, w]
                found |= bits[t - lag, start + k, w]
        if found == 0:
            continue
        transpose_bits(words_at)
        for line in range(64 * w, min(size, 64 * w + 64)):
            word, total = words[line - 64 * w], at(out_at, line, width)
            if word != 0 and not graded:
                add_marked_rows(total, drives_at, width, words_at + (line - 64 * w) * WORD, 1)
            elif word != 0:
                n = list_bits(word, 0, lines, 0)
                for e in range(n):
                    values[e] = x[begin + lines[e] // TILE_ROWS, start + lines[e] % TILE_ROWS, line]
                add_rows(total, drives_at, width, lines_at, values_at, n)
