"""Statistics of spike trains: rates, irregularity, synchrony, oscillations. Spikes are (steps, neurons), in order of steps."""

import numpy as np

Spikes = tuple[np.ndarray, np.ndarray]


def after(spikes: Spikes, start: int) -> Spikes:
    """The spikes from step `start` on."""
    first = np.searchsorted(spikes[0], start)
    return spikes[0][first:], spikes[1][first:]


def irregularity(spikes: Spikes, size: int, fewest: int = 3) -> float:
    """Coefficient of variation of the intervals of a neuron (0: clock, 1: Poisson process), mean over neurons with at least
    `fewest` intervals; NaN if there are none."""
    order = np.lexsort((spikes[0], spikes[1]))
    steps, neurons = spikes[0][order].astype(float), spikes[1][order]
    intervals, owner = np.diff(steps), neurons[1:]
    intervals, owner = intervals[np.diff(neurons) == 0], owner[np.diff(neurons) == 0]
    n = np.bincount(owner, minlength=size)
    enough = n >= fewest
    if not enough.any():
        return float("nan")
    sums, squares = (np.bincount(owner, intervals**k, minlength=size)[enough] for k in (1, 2))
    mean = sums / n[enough]
    return float(np.mean(np.sqrt(np.maximum(squares / n[enough] - mean**2, 0.0)) / mean))


def activity(spikes: Spikes, size: int, steps: int, dt_ms: float, bin_ms: float = 0.1) -> np.ndarray:
    """The mean rate of all neurons in bins, in Hz."""
    width = round(bin_ms / dt_ms)
    counts = np.bincount(spikes[0] // width, minlength=steps // width)[: steps // width]
    return counts / (size * bin_ms / 1000.0)


def synchrony(rate_Hz: np.ndarray, size: int, bin_ms: float) -> float:
    """Variance over mean of the number of spikes of all neurons per bin: 1 for independent Poisson processes."""
    counts = rate_Hz * size * bin_ms / 1000.0
    return float(counts.var() / counts.mean()) if counts.any() else float("nan")


def oscillation_Hz(rate_Hz: np.ndarray, bin_ms: float, pieces: int = 4) -> tuple[float, np.ndarray, np.ndarray]:
    """The frequency (from 5 Hz on) with the most power in the activity, the frequencies, and their power: a mean over
    overlapping pieces of the time."""
    from scipy.signal import welch

    length = 2 * len(rate_Hz) // (pieces + 1)
    frequency, power = welch(rate_Hz, 1000.0 / bin_ms, nperseg=length)
    known = frequency >= 5.0
    return float(frequency[known][np.argmax(power[known])]), frequency[known], power[known]
