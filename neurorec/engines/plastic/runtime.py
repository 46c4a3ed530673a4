"""Functions called by generated kernels: plain Python, compiled with a kernel by `to_llvm`."""

import math

import numpy as np


def clip(x, low, high) -> float:
    y = low if x < low else x
    return high if y > high else y


def power(fine, coarse, n) -> float:
    """factor ** n from two tables: fine[k] = factor ** k, coarse[k] = factor ** (256 k)."""
    above = n >> 8
    return fine[n & 255] * coarse[above] if above < coarse.shape[0] else 0.0


def uniform(state) -> float:
    """A number in (0, 1), never 0: xoshiro256+ of Blackman and Vigna."""
    result = state[0] + state[3]
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << np.uint64(45)) | (state[3] >> np.uint64(19))
    return (np.float64(result >> np.uint64(12)) + 0.5) * (1.0 / 4503599627370496.0)


def gap(state, scale) -> int:
    """Number of coin flips until the first success; scale = 1 / log(1 - p)."""
    steps = math.floor(math.log(uniform(state)) * scale)
    return 1 + (int(steps) if steps < 4e18 else 4000000000000000000)


def poisson_number(state, cumulative) -> int:
    """A Poisson number k from the probabilities of at most k, by inversion."""
    drawn = uniform(state)
    low = 0
    high = cumulative.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if drawn < cumulative[middle]:
            high = middle
        else:
            low = middle + 1
    return low


def poisson(t, row, chances, top, upcoming, state, fired) -> int:
    """Independent spikes of all neurons in step t: gaps between successes along (step, neuron) are drawn, then thinned.

    `top` holds the largest probability p and 1 / log(1 - p), `upcoming[0]` the position of the next candidate, counted from
    step 0, neuron 0.
    """
    size = chances.shape[1]
    count = 0
    if top[0] <= 0.0:
        return count
    first = t * size
    place = upcoming[0]
    if place < first:
        place = first - 1 + gap(state, top[1])
    while place < first + size:
        i = place - first
        chance = chances[row, i]
        if chance >= top[0] or uniform(state) * top[0] < chance:
            fired[count] = i
            count += 1
        place += gap(state, top[1])
    upcoming[0] = place
    return count


def replay(t, steps, neurons, upcoming, fired) -> int:
    count = 0
    place = upcoming[0]
    while place < steps.shape[0] and steps[place] == t:
        fired[count] = neurons[place]
        count += 1
        place += 1
    upcoming[0] = place
    return count


def collect(t, hits, fired_at, fired) -> int:
    """Indices of the neurons whose `hits` is set, testing eight at a time."""
    count = 0
    by_8 = hits.view(np.uint64)
    for block in range(by_8.shape[0]):
        if by_8[block] != 0:
            for i in range(8 * block, 8 * block + 8):
                if hits[i] != 0:
                    fired[count] = i
                    fired_at[i] = t
                    count += 1
    return count


def append(t, fired, count, when, who, used):
    """Append the spikes of a step to the `used` ones recorded before."""
    for k in range(count):
        when[used + k] = t
        who[used + k] = fired[k]


def fill(values, value):
    for i in range(values.shape[0]):
        values[i] = value


def scale_matrix(weights, factors, goal, largest):
    """Normalise each target's incoming weights [S, N] to the sum `goal`, clipped at `largest`; sums of 0 are unchanged."""
    for j in range(weights.shape[1]):
        factors[j] = 0.0
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            factors[j] += weights[i, j]
    for j in range(weights.shape[1]):
        factors[j] = goal / factors[j] if factors[j] > 0 else 0.0
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            scaled = weights[i, j] * factors[j]
            weights[i, j] = largest if scaled > largest else scaled


def scale_synapses(weights, in_start, in_edge, goal, largest):
    """The same for a list of synapses."""
    for j in range(in_start.shape[0] - 1):
        total = 0.0
        for q in range(in_start[j], in_start[j + 1]):
            total += weights[in_edge[q]]
        factor = goal / total if total > 0 else 0.0
        for q in range(in_start[j], in_start[j + 1]):
            scaled = weights[in_edge[q]] * factor
            weights[in_edge[q]] = largest if scaled > largest else scaled
