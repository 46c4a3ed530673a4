"""Sweeps of block Gibbs sampling between two groups of units of 0 and 1. Compiled with numba, loaded by `gibbs_cache.py`.

Weights [panels, units that send, PANEL]: the columns of a matrix, cut into panels that stay in the processor's cache while all
chains add the rows of their active units.
"""

from typing import Any, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurorec.engines.fused import vectors
from neurorec.engines.fused.bits import FLOAT, inlined, set_bits

add_marked_rows = cast(Any, vectors.add_marked_rows)
LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
ONE, HALF, STEP = np.float32(1), np.float32(0.5), np.float32(2.0**-24)
MOST = np.float32(80)  # exp(80) is far from overflow, and a chance of exp(-80) is none


@intrinsic
def _power_of_two(typing, n):
    """2^n in float32, for n from -126 to 127."""

    def generate(context, b, signature, values):
        bits = b.shl(b.add(values[0], ir.IntType(32)(127)), ir.IntType(32)(23))
        return b.bitcast(bits, ir.FloatType())

    return types.float32(types.int32), generate


power_of_two = cast(Any, _power_of_two)


@inlined
def exp(x):
    """Within a few units in the last place, for |x| <= MOST (the polynomial of Cephes)."""
    n = np.floor(x * LOG2_E + HALF)
    r = x - n * LN2_HIGH - n * LN2_LOW
    p = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    return (p * r * r + r + ONE) * power_of_two(np.int32(n))


@inlined
def mixed(x, key):
    """A 32-bit hash: two rounds of multiplications and shifts, with the key between them."""
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D))
    x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B))
    x = np.uint32((x ^ (x >> np.uint32(16))) + key)
    x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD))
    x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0xD35A2D97))
    return np.uint32(x ^ (x >> np.uint32(15)))


@inlined
def key_of(seed, chain, sweep):
    """64 bits that depend on all bits of the three numbers (splitmix64, once for each)."""
    z = np.uint64(0)
    for part in (np.uint64(seed), np.uint64(chain), np.uint64(sweep)):
        z = np.uint64((z ^ part) + np.uint64(0x9E3779B97F4A7C15))
        z = np.uint64((z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
        z = np.uint64((z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
        z = np.uint64(z ^ (z >> np.uint64(31)))
    return z


@inlined
def draw(uniforms, key, first, units):
    """Fill uniforms[:units] with numbers between 0 and 1: those of the units from `first` on."""
    low, high = np.uint32(key & np.uint64(0xFFFFFFFF)), np.uint32(key >> np.uint64(32))
    start = np.uint32(first)
    for k in range(units):
        x = mixed(np.uint32(np.uint32(k) + start) ^ low, high)
        uniforms[k] = (np.float32(np.int32(x >> np.uint32(8))) + HALF) * STEP


@inlined
def redraw(field, uniforms, per_temperature, units, states):
    """1 with probability 1 / (1 + exp(-field / temperature)), else 0."""
    for k in range(units):
        x = min(max(-field[k] * per_temperature, -MOST), MOST)
        states[k] = ONE if uniforms[k] * (ONE + exp(x)) < ONE else np.float32(0)


@inlined
def add_fields(fields, bias, weights, sending, sent, words):
    """fields[b] = bias + the rows of units that are on in sending[b, :sent]."""
    panels, _, width = weights.shape
    for b in range(len(fields)):
        set_bits(sending, sending[b].ctypes.data, b, sent, words, 0, b, 0)
        fields[b, :] = bias
    for panel in range(panels):
        start = weights[panel].ctypes.data
        for b in range(len(fields)):
            add_marked_rows(
                fields[b].ctypes.data + panel * width * FLOAT, start, width, words[0, b].ctypes.data, words.shape[2]
            )


@numba.njit(nogil=True, cache=True, error_model="numpy")
def sweep_chains(to_hidden, to_visible, visible_bias, hidden_bias, visible, hidden, sizes, run, per_temperature, given):
    """`run` = sweeps, seed, first chain, first sweep. visible [B, padded] and hidden [B, padded] are changed in place.

    given [sweeps, B, hidden and then visible units]: the uniform numbers to use; drawn from the seed if it is empty.
    """
    (V, H), (sweeps, seed, first_chain, first_sweep) = sizes, run
    B, uniforms = len(visible), np.empty(max(V, H), np.float32)
    hidden_fields, visible_fields = np.empty_like(hidden), np.empty_like(visible)
    visible_words = np.zeros((1, B, (V + 63) // 64), np.uint64)
    hidden_words = np.zeros((1, B, (H + 63) // 64), np.uint64)
    for sweep in range(sweeps):
        add_fields(hidden_fields, hidden_bias, to_hidden, visible, V, visible_words)
        for b in range(B):
            if given.size:
                uniforms[:H] = given[sweep, b, :H]
            else:
                draw(uniforms, key_of(seed, first_chain + b, first_sweep + sweep), 0, H)
            redraw(hidden_fields[b], uniforms, per_temperature, H, hidden[b])
        add_fields(visible_fields, visible_bias, to_visible, hidden, H, hidden_words)
        for b in range(B):
            if given.size:
                uniforms[:V] = given[sweep, b, H:]
            else:
                draw(uniforms, key_of(seed, first_chain + b, first_sweep + sweep), H, V)
            redraw(visible_fields[b], uniforms, per_temperature, V, visible[b])
