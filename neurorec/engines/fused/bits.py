"""Spikes as bits, 64 per word: set from rows of numbers, listed as events, transposed from rows to lines."""

from typing import Any, cast

import numba
import numpy as np
from numba.cpython.unsafe import numbers

from neurorec.engines.fused import vectors

FLOAT, WORD = 4, 8  #: bytes
inlined = numba.njit(nogil=True, error_model="numpy")
nonzero_bits, count_bits = cast(Any, vectors.nonzero_bits), cast(Any, vectors.count_bits)
trailing_zeros = cast(Any, numbers.trailing_zeros)


@inlined
def at(base, row, width):
    """Address of a row of `width` numbers. (A slice would update its reference count atomically in every time step.)"""
    return base + row * width * FLOAT


@inlined
def set_bits(rows, address, row, size, words, now, b, ahead):
    """Set bit k of words[now, b] if the k-th number of rows[row], which starts at `address`, is not 0, for k < size.
    Prefetches the row `ahead` bytes later. Returns the number of set bits."""
    found, whole, left = 0, size // 64, size % 64
    for w in range(whole):
        words[now, b, w] = nonzero_bits(address + w * 64 * FLOAT, ahead)
        found += count_bits(words[now, b, w])
    if left:
        word = np.uint64(0)
        if whole:  # the last 64 numbers, without those already seen
            word = nonzero_bits(address + (size - 64) * FLOAT, ahead) >> np.uint64(64 - left)
        else:
            for k in range(size):
                word |= np.uint64(rows[row, k] != 0) << np.uint64(k)
        words[now, b, whole] = word
        found += count_bits(word)
    return found


@inlined
def list_bits(word, first, lines, found):
    """Append the indices of the set bits, counted from `first`, to `lines` at position `found`. Returns the new end."""
    while word != 0:
        lines[found] = first + np.int64(trailing_zeros(word))
        word &= word - np.uint64(1)
        found += 1
    return found


@inlined
def list_events(words, now, b, lines):
    """Write the indices of the set bits in words[now, b], in order, to `lines`. Returns their number."""
    found = 0
    for w in range(words.shape[2]):
        found = list_bits(words[now, b, w], w * 64, lines, found)
    return found


@inlined
def count_events(words, now, first, rows):
    """Number of set bits in words[now, first] and the following rows."""
    found = 0
    for b in range(first, first + rows):
        for w in range(words.shape[2]):
            found += count_bits(words[now, b, w])
    return found
