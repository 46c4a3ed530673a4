"""Compiled steps of neurons with an absolute refractory period, one neuron after another. Loaded by `gibbs_cache.py`."""

import math

import numba
import numpy as np

from neurorec.engines.gibbs.lattice import uniform


@numba.njit(nogil=True, cache=True)
def sample_refractory(weight, bias, per_temperature, refractory, counters, visits, steps, seed, first):
    """Steps of N neurons that hear weight [N, N] and bias [N]; counters [N] (int64, in place): steps for which each neuron
    still counts as on. `visits` [2^N] counts how often each state was found after a step, the first neuron as the highest bit.
    With a refractory period of one step, this is Gibbs sampling. A neuron that may fire draws the next random number, from
    `first` on; returns the number after the last."""
    N = len(bias)
    on = (counters > 0).astype(np.float64)
    number, threshold = np.uint64(first), math.log(refractory)
    for _ in range(steps):
        state = 0
        for k in range(N):
            if counters[k] > 1:
                counters[k] -= 1
            else:
                field = bias[k]
                for j in range(N):
                    field += weight[k, j] * on[j]
                fires = uniform(seed, number) < 1 / (1 + math.exp(threshold - field * per_temperature))
                number += np.uint64(1)
                counters[k] = refractory if fires else 0
                on[k] = fires
            state = 2 * state + int(on[k])
        visits[state] += 1
    return number
