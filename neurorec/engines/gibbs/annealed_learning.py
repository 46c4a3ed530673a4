"""Compiled annealing of Boltzmann machines, and learning from what they settle in. Loaded by `gibbs_cache.py`.

States [U] are 0 or 1 (int8). The last unit is always on: the weights from it are biases. Weights [U, U] (int64) are symmetric
and have no diagonal. Random numbers are those of the stream `seed`, from `number` on; functions return the next one.
"""

import numba
import numpy as np

from neurorec.engines.gibbs.lattice import uniform

ONE = np.uint64(1)


@numba.njit(nogil=True, cache=True)
def settle(states, free, clamped, turn, weights, temperatures, seed, number, gathered, counts, sign):
    """Draws the `free` units evenly. For each temperature, clamps the first units to `clamped`, but turns on those that are off
    there, and off those that are on, with the probabilities turn [2]; then redraws units picked among the free ones at random,
    as many as there are. After each of the last `gathered` temperatures, adds `sign` to counts [U, U] of two units both on."""
    U, F = len(states), len(free)
    for unit in free:
        states[unit] = uniform(seed, number) < 0.5
        number += ONE
    fields = np.zeros(U, np.int64)
    for j in range(U):
        if states[j]:
            fields += weights[j]
    on = np.empty(U, np.int64)
    for t in range(len(temperatures)):
        for n in range(len(clamped) + F):
            if n < len(clamped):
                unit = n
                up = (uniform(seed, number) < turn[clamped[n]]) != (clamped[n] > 0)
                number += ONE
            else:
                unit = free[int(uniform(seed, number) * F)]
                up = uniform(seed, number + ONE) < 1 / (1 + np.exp(-fields[unit] / temperatures[t]))
                number += ONE + ONE
            if up != states[unit]:
                states[unit] = up
                fields += weights[unit] if up else -weights[unit]
        if t >= len(temperatures) - gathered:
            active = 0
            for j in range(U):
                if states[j]:
                    on[active] = j
                    active += 1
            for i in on[:active]:
                for j in on[:active]:
                    counts[i, j] += sign
    return number


@numba.njit(nogil=True, cache=True)
def learn(weights, connected, patterns, turn, temperatures, gathered, annealings, step, cycles, seed, number):
    """Changes weights by `cycles` of Ackley, Hinton & Sejnowski's. In each, the machine settles `annealings` times for every
    one of patterns [P, V], clamped to the first units with noise, and as often without clamping. Then each weight that is
    `connected` moves by `step` up if its units were on together more often when clamped, down if less often."""
    U, (P, V) = len(weights), patterns.shape
    states, nothing = np.ones(U, np.int8), np.zeros(0, np.int8)
    hidden, every = np.arange(V, U - 1), np.arange(U - 1)
    for _ in range(cycles):
        counts = np.zeros((U, U), np.int64)
        for n in range(annealings * P):
            number = settle(
                states, hidden, patterns[n % P], turn, weights, temperatures, seed, number, gathered, counts, 1
            )
        for _ in range(annealings * P):
            number = settle(states, every, nothing, turn, weights, temperatures, seed, number, gathered, counts, -1)
        weights += step * np.sign(counts) * connected
    return number
