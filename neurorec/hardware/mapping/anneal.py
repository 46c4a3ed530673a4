"""Cores to places by simulated annealing: swap two, keep what shortens the spikes' way.

Cores are swapped one by one where there are few; of a net on many chips, whole chips are. Which cores share a chip is
asked of METIS first, where a partition was asked for (`partition.py`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from neurorec.hardware.mapping.compiled import load_kernels
from neurorec.hardware.mapping.routes import CHIP_LINK_AS_HOPS, Ground, Travel, travel
from neurorec.hardware.mapping.traffic import Traffic

SWAPS_PER_ITEM, LEAST_SWAPS = 1000, 20_000
MOST_READS = 500_000_000  #: of a neighbour, by the whole search: some seconds
MOST_CORES = 6_000


def anneal(traffic: Traffic, places: np.ndarray, ground: Ground, seed: int = 0) -> tuple[np.ndarray, Travel]:
    """Better places and what is travelled from there: never a longer way than from `places`."""
    found, best = places, travel(traffic, places, ground)
    if ground.shape == (1, 1) or traffic.cores < 2:
        return found, best
    for move in (_swap_chips, _swap_cores):
        moved = move(traffic, found, ground, seed)
        if moved is not None:
            then = travel(traffic, moved, ground)
            if then.way < best.way:
                found, best = moved, then
    return found, best


def _swap_chips(traffic: Traffic, places: np.ndarray, ground: Ground, seed: int) -> np.ndarray | None:
    if ground.chips < 3:
        return None
    between, pull = between_cores(traffic, places // ground.on_chip, ground.chips)
    chips = np.arange(ground.chips)
    moved = _search(between, pull, chips % ground.grid[0], chips // ground.grid[0], chips, seed)
    return moved[places // ground.on_chip] * ground.on_chip + places % ground.on_chip


def _swap_cores(traffic: Traffic, places: np.ndarray, ground: Ground, seed: int) -> np.ndarray | None:
    if traffic.cores > MOST_CORES or ground.multicast:
        return None
    between, pull = between_cores(traffic, np.arange(traffic.cores), traffic.cores)
    x, y = ground.tile(np.arange(ground.chips * ground.on_chip))
    # a link between chips is as long as CHIP_LINK_AS_HOPS links of a mesh
    x = x + x // ground.columns * (CHIP_LINK_AS_HOPS - 1)
    y = y + y // ground.rows * (CHIP_LINK_AS_HOPS - 1)
    return _search(between, pull, x, y, places, seed)


def between_cores(traffic: Traffic, item_of: np.ndarray, items: int) -> tuple[csr_array, np.ndarray]:
    """Packets between every two items, both ways together and none from an item to itself, and from the input.

    `item_of` [cores]: what each core belongs to (itself, or its chip).
    """
    reach = traffic.reach
    to = np.repeat(item_of, np.diff(reach.indptr))
    weight = traffic.spikes[reach.indices].astype(np.float64)
    origin = traffic.origin[reach.indices]
    pull = np.bincount(to[origin < 0], weight[origin < 0], items)
    own = (origin >= 0) & (weight > 0)
    start = item_of[origin[own]].astype(np.int64)
    pairs, at = np.unique(start * items + to[own], return_inverse=True)
    one_way = csr_array((np.bincount(at, weight[own], len(pairs)), (pairs // items, pairs % items)), (items, items))
    one_way.setdiag(0.0)
    both = csr_array(one_way + one_way.T)
    both.eliminate_zeros()
    return both, pull


def _search(
    between: csr_array, pull: np.ndarray, x: np.ndarray, y: np.ndarray, places: np.ndarray, seed: int
) -> np.ndarray:
    items = len(places)
    reads = 2 * max(1.0, between.nnz / items)  # of one swap
    swaps = int(min(max(LEAST_SWAPS, SWAPS_PER_ITEM * items), MOST_READS / reads))
    return load_kernels().anneal_swaps(
        between.indptr, between.indices, between.data, pull, x, y, places.copy(), swaps, seed
    )
