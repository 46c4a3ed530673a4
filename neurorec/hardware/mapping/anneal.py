"""Cores to places by simulated annealing: swap two, keep what shortens the spikes' way.

Cores are swapped one by one where there are few; of a net on many chips, whole chips are. Which cores share a chip is
asked of METIS first, where a partition was asked for (`partition.py`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from neurorec.hardware.mapping.kernels import route_kernels
from neurorec.hardware.mapping.routes import CHIP_LINK_AS_HOPS, Ground, Travel, travel
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic

SWAPS_PER_ITEM, LEAST_SWAPS = 1000, 20_000
MOST_READS = 500_000_000  #: of a neighbour, by the whole search: some seconds
MOST_PLACES = 6_000


def anneal(traffic: SpikeTraffic, places: np.ndarray, ground: Ground, seed: int = 0) -> tuple[np.ndarray, Travel]:
    """Better places and what is travelled from there: never a longer way than from `places`."""
    found, best = places, travel(traffic, places, ground)
    if ground.shape == (1, 1) or (traffic.cores < 2 and ground.chips * ground.on_chip < 2):
        return found, best
    for move in (_swap_chips, _swap_cores):
        moved = move(traffic, found, ground, seed)
        if moved is not None:
            then = travel(traffic, moved, ground)
            if then.way < best.way:
                found, best = moved, then
    return found, best


def _swap_chips(traffic: SpikeTraffic, places: np.ndarray, ground: Ground, seed: int) -> np.ndarray | None:
    if ground.chips < 3:
        return None
    between, pull = between_cores(traffic, places // ground.on_chip, ground.chips)
    chips = np.arange(ground.chips)
    moved = _search(between, pull, chips % ground.grid[0], chips // ground.grid[0], chips, seed)
    return moved[places // ground.on_chip] * ground.on_chip + places % ground.on_chip


def _swap_cores(traffic: SpikeTraffic, places: np.ndarray, ground: Ground, seed: int) -> np.ndarray | None:
    if ground.chips * ground.on_chip > MOST_PLACES or ground.multicast:
        return None
    slots = ground.chips * ground.on_chip
    between, pull = between_cores(traffic, np.arange(traffic.cores), slots)  # a free place is a core that sends nothing
    x, y = ground.tile(np.arange(slots))
    # a link between chips is as long as CHIP_LINK_AS_HOPS links of a mesh
    x = x + x // ground.columns * (CHIP_LINK_AS_HOPS - 1)
    y = y + y // ground.rows * (CHIP_LINK_AS_HOPS - 1)
    free = np.setdiff1d(np.arange(slots), places)
    return _search(between, pull, x, y, np.concatenate([places, free]), seed)[: traffic.cores]


def between_cores(traffic: SpikeTraffic, item_of: np.ndarray, items: int) -> tuple[csr_array, np.ndarray]:
    """Packets between every two items, both ways together and none from an item to itself, and from the input.

    `item_of` [cores]: what each core belongs to (itself, or its chip).
    """
    reach = traffic.reach
    found = route_kernels().packets_between(reach.indptr, reach.indices, traffic.spikes, traffic.origin, item_of, items)
    one_way = found[:items]
    np.fill_diagonal(one_way, 0.0)
    return csr_array(one_way + one_way.T), found[items]


def _search(
    between: csr_array, pull: np.ndarray, x: np.ndarray, y: np.ndarray, places: np.ndarray, seed: int
) -> np.ndarray:
    items = len(places)
    reads = 2 * max(1.0, between.nnz / items)  # of one swap
    swaps = int(min(max(LEAST_SWAPS, SWAPS_PER_ITEM * items), MOST_READS / reads))
    return route_kernels().anneal_swaps(
        between.indptr, between.indices, between.data, pull, x, y, places.copy(), swaps, seed
    )
