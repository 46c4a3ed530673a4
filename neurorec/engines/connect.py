"""Random synapses, for the `pre` and `post` of a projection."""

import numpy as np

from neurorec.basics.errors import InputError


def connect_by_chance(
    random: np.random.Generator, sources: int, targets: int, probability: float, to_itself: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Connect each pair of a source and a target with `probability`, independently: pre and post, in order.

    Of one long sequence of coin flips only the gaps between successes are drawn: an exponential number E with mean 1 gives a
    gap floor(E / -log(1 - p)), which is at least k with probability (1 - p)^k. The cost scales with synapses, not with pairs.
    `to_itself`: whether a neuron may connect to the neuron with the same number.
    """
    if not 0 <= probability <= 1:
        raise InputError(f"the probability of a synapse must be between 0 and 1 (got {probability:g})")
    places = _successes(random, sources * targets, probability)
    pre = places // targets if targets else places
    post = places - pre * targets
    return (pre, post) if to_itself else (pre[pre != post], post[pre != post])


def _successes(random: np.random.Generator, coins: int, probability: float) -> np.ndarray:
    if probability == 0 or coins == 0:
        return np.zeros(0, np.int64)
    if probability == 1:
        return np.arange(coins)
    with np.errstate(over="ignore"):
        scale = -1 / np.log1p(-probability)
    found, last = [], -1
    while last < coins:
        expected = (coins - last) * probability
        more = random.standard_exponential(int(expected + 4 * expected**0.5) + 8)
        more *= scale
        places = np.minimum(more, coins).astype(np.int64)  # the size of a gap beyond the end is irrelevant
        places += 1
        np.cumsum(places, out=places)
        places += last
        last = int(places[-1])
        found.append(places)
    together = found[0] if len(found) == 1 else np.concatenate(found)
    return together[: np.searchsorted(together, coins)]
