"""Spikes as bits, 64 to a word: written from rows of numbers, listed as events, turned from rows to lines."""

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
    """Address of a row of `width` numbers. (A slice would count its references, atomically, at every time step.)"""
    return base + row * width * FLOAT


@inlined
def set_bits(rows, address, row, size, words, now, b, ahead):
    """Bit k of words[now, b]: whether the k-th number of rows[row], which starts at `address`, is other than 0, for
    k < size. Fetches the row that lies `ahead` bytes further on. Returns how many bits are set."""
    found, whole, left = 0, size // 64, size % 64
    for w in range(whole):
        words[now, b, w] = nonzero_bits(address + w * 64 * FLOAT, ahead)
        found += count_bits(words[now, b, w])
    if left:
        word = np.uint64(0)
        if whole:  # the last 64 numbers, less those that were seen
            word = nonzero_bits(address + (size - 64) * FLOAT, ahead) >> np.uint64(64 - left)
        else:
            for k in range(size):
                word |= np.uint64(rows[row, k] != 0) << np.uint64(k)
        words[now, b, whole] = word
        found += count_bits(word)
    return found


@inlined
def list_bits(word, first, lines, found):
    """The numbers of the bits that are set, counted from `first`, into `lines` from `found` on. Returns the new end."""
    while word != 0:
        lines[found] = first + np.int64(trailing_zeros(word))
        word &= word - np.uint64(1)
        found += 1
    return found


@inlined
def list_events(words, now, b, lines):
    """The numbers of the bits that are set in words[now, b], in order, into `lines`. Returns how many."""
    found = 0
    for w in range(words.shape[2]):
        found = list_bits(words[now, b, w], w * 64, lines, found)
    return found


@inlined
def count_events(words, now, first, rows):
    """How many bits are set in words[now, first] and the rows behind it."""
    found = 0
    for b in range(first, first + rows):
        for w in range(words.shape[2]):
            found += count_bits(words[now, b, w])
    return found
