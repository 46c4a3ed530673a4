"""Compiled time loops of LIF layers whose errors go back at spikes (`learning/spike_adjoint.py` has the equations), one sample
after another. Loaded by `cache.py`."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def forward(jumps, targets, constants, state, lengths, spikes, slopes):
    """Steps of all samples. `jumps` [T, B, H], input currents, become those with all that had arrived; targets [H, H], the
    weights by sending neuron, or [0, 0]; constants: dt/tau_mem, dt/tau_syn, leak, threshold, reset; state (z, v, i) [B, H] in
    place; spikes and slopes [T, B, H], which are 0 on entry, are filled up to each sample's length."""
    mem, syn, leak, threshold, reset = constants
    _, B, H = jumps.shape
    for b in range(B):
        z, v, i = state[0][b], state[1][b], state[2][b]
        for t in range(lengths[b]):
            jump, spike, slope = jumps[t, b], spikes[t, b], slopes[t, b]
            for h in range(H):
                jump[h] += i[h]
            for n in range(len(targets)):
                if z[n] > 0:
                    reached = targets[n]
                    for h in range(H):
                        jump[h] += reached[h]
            for h in range(H):
                slope[h] = ((leak - v[h]) + jump[h]) * mem
                i[h] = jump[h] - syn * jump[h]
            for h in range(H):
                u = v[h] + slope[h]
                fired = u - threshold > 0
                spike[h] = fired
                v[h] = reset if fired else u
            z[:] = spike


@numba.njit(nogil=True, cache=True)
def backward(from_above, targets, constants, lengths, spikes, slopes, jumps, gradients):
    """dL/dj [T, B, H] into `gradients`, which are 0 on entry. Errors return only to neurons that spike."""
    mem, syn, leak, _, reset = constants
    kept, rise = 1 - mem, leak - reset
    _, B, H = jumps.shape
    for b in range(B):
        a, change, g = np.zeros_like(jumps[0, 0]), np.zeros_like(jumps[0, 0]), np.zeros_like(jumps[0, 0])
        for t in range(lengths[b] - 1, -1, -1):
            spike, gradient = spikes[t, b], gradients[t, b]
            for h in range(H):
                if spike[h] > 0:
                    error = from_above[t, b, h]
                    if t + 1 < lengths[b]:
                        error -= from_above[t + 1, b, h]
                    if len(targets):
                        reached = targets[h]
                        for k in range(H):
                            error += reached[k] * change[k]
                    a[h] = (error + mem * (rise + jumps[t, b, h]) * a[h]) / slopes[t, b, h]
            for h in range(H):
                gradient[h] = (g[h] - syn * g[h]) + mem * a[h]
                change[h] = gradient[h] - g[h]
                a[h] *= kept
            g = gradient
