"""Compiled sweeps over a square lattice of spins, one spin after another, row by row. Loaded by `gibbs_cache.py`."""

import numba
import numpy as np

GOLDEN, FIRST, SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@numba.njit(nogil=True, cache=True)
def uniform(seed, number):
    """The random number `number` (from 0) of the stream `seed`, both uint64: splitmix64, from 0 up to 1."""
    z = seed + (number + np.uint64(1)) * GOLDEN
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@numba.njit(nogil=True, cache=True)
def sweep_lattice(spins, chances, seed, first, energies, sums):
    """Sweeps spins [L, M] of +-1 (int8, in place) once for each entry of `energies`, which become sums over bonds with the sign
    of the energy, as `sums` become sums of spins. chances [2, 5]: the probability that a spin is 1 after its update, by its
    value before and the sum of its neighbours (-4 to 4). Random numbers are those from `first` on; returns the next one."""
    rows, columns = spins.shape
    number = np.uint64(first)
    for t in range(len(energies)):
        for i in range(rows):
            above, below = spins[i - 1 if i else rows - 1], spins[i + 1 if i + 1 < rows else 0]
            for j in range(columns):
                left, right = j - 1 if j else columns - 1, j + 1 if j + 1 < columns else 0
                field = above[j] + below[j] + spins[i, left] + spins[i, right]
                up = uniform(seed, number) < chances[(spins[i, j] + 1) // 2, (field + 4) // 2]
                spins[i, j] = 1 if up else -1
                number += np.uint64(1)
        bonds, total = 0, 0
        for i in range(rows):
            below = spins[i + 1 if i + 1 < rows else 0]
            for j in range(columns):
                bonds += spins[i, j] * (below[j] + spins[i, j + 1 if j + 1 < columns else 0])
                total += spins[i, j]
        energies[t], sums[t] = -bonds, total
    return number
