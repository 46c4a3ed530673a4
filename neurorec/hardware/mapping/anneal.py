"""Assignment of cores to positions by simulated annealing: swap two, keep what shortens the paths of spikes.

Single cores are swapped if there are few; for a network on many chips, whole chips are. If a partition was requested, METIS
first decides which cores share a chip (`partition.py`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from neurorec.hardware.mapping.kernels import route_kernels
from neurorec.hardware.mapping.routes import CHIP_LINK_AS_HOPS, Ground, Travel, travel
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic

SWAPS_PER_ITEM, LEAST_SWAPS = 1000, 20_000
MOST_READS = 500_000_000  #: limit of neighbour look-ups for the whole search: some seconds
MOST_PLACES = 6_000


def anneal(traffic: SpikeTraffic, places: np.ndarray, ground: Ground, seed: int = 0) -> tuple[np.ndarray, Travel]:
    """Better positions and the resulting routes: never longer than those for `places`."""
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
    # a free position is a core that sends nothing
    between, pull = between_cores(traffic, np.arange(traffic.cores), slots)
    x, y = ground.tile(np.arange(slots))
    # a link between chips counts as CHIP_LINK_AS_HOPS links of a mesh
    x = x + x // ground.columns * (CHIP_LINK_AS_HOPS - 1)
    y = y + y // ground.rows * (CHIP_LINK_AS_HOPS - 1)
    free = np.setdiff1d(np.arange(slots), places)
    return _search(between, pull, x, y, np.concatenate([places, free]), seed)[: traffic.cores]


def between_cores(traffic: SpikeTraffic, item_of: np.ndarray, items: int) -> tuple[csr_array, np.ndarray]:
    """Packets between every pair of items (both directions added, none from an item to itself), and from the input.

    `item_of` [cores]: the item of each core (itself, or its chip).
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
    reads = 2 * max(1.0, between.nnz / items)  # per swap
    swaps = int(min(max(LEAST_SWAPS, SWAPS_PER_ITEM * items), MOST_READS / reads))
    return route_kernels().anneal_swaps(
        between.indptr, between.indices, between.data, pull, x, y, places.copy(), swaps, seed
    )
