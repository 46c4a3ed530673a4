"""Positions and routes: where cores are on the chips, how far spikes travel, and what every link carries.

Chips form a full grid, and their meshes join edge to edge: an assumption, since no source we read says how the chips of a
board are joined. A chip that only completes the grid forwards packets. A packet goes east-west first, then
north-south; one that leaves a chip crosses the links between chips on its path. On a mesh each destination core gets its own
packet. A multicast spike is one packet from chip to chip, copied where its paths diverge. Input enters at tile 0 of chip 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array

from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.kernels import route_kernels
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic

MOST_LONG = 6
CHIP_LINK_AS_HOPS = 24  #: twice across an 8 x 4 mesh: weight of a link between chips in a search; not used in prices


def full_grid(chips: int) -> tuple[int, int]:
    """Columns and rows of the smallest full grid for this number of chips, as square as possible, at most MOST_LONG to one."""
    sizes = [(columns, -(-chips // columns)) for columns in range(1, chips + 1)]
    fit = [(x, y) for x, y in sizes if y <= x <= MOST_LONG * y]
    return min(fit, key=lambda size: (size[0] * size[1], size[0]))


@dataclass(frozen=True)
class Ground:
    """Tiles of all chips as one grid. A place is the index of a core position: chip = place // cores per chip, then by tile."""

    on_chip: int
    per_tile: int
    columns: int  #: tiles of one chip, east-west
    rows: int
    chips: int  #: including those that only complete the grid
    multicast: bool = False

    @classmethod
    def of(cls, chip: Chip, cores: int) -> Ground:
        on_chip = chip.limits.cores.count if chip.limits.cores else cores
        chips = int(np.prod(full_grid(-(-cores // on_chip))))
        if chip.network is None or chip.network.kind == "multicast":
            return cls(on_chip, on_chip, 1, 1, chips, multicast=True)
        per_tile, columns = chip.network.cores_per_tile, chip.network.tiles[0]
        return cls(on_chip, per_tile, columns, -(-on_chip // per_tile // columns), chips)

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Number of chips east-west and north-south."""
        return full_grid(self.chips)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles, over all chips."""
        return self.grid[1] * self.rows, self.grid[0] * self.columns

    def tile(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the tile of each place."""
        chip, tile = places // self.on_chip, places % self.on_chip // self.per_tile
        x = chip % self.grid[0] * self.columns + tile % self.columns
        return x, chip // self.grid[0] * self.rows + tile // self.columns

    def between_chips(self) -> np.ndarray:
        """[4, y, x] whether a link out of a tile (east, west, south, north) leads to another chip."""
        rows, columns = self.shape
        x, y = np.arange(columns)[None, :], np.arange(rows)[:, None]
        ends = ((x + 1) % self.columns == 0, x % self.columns == 0, (y + 1) % self.rows == 0, y % self.rows == 0)
        return np.stack([np.broadcast_to(end, (rows, columns)) for end in ends])


@dataclass(frozen=True)
class Travel:
    """Traffic of all spikes. `load` [4, y, x]: packets over the links east, west, south and north out of each tile."""

    packets: int
    within_tile: int
    packets_off_chip: int  #: packets for a core (multicast: for a chip) on another chip
    load: np.ndarray
    ground: Ground

    @cached_property
    def hops(self) -> tuple[int, int]:
        """Packets over links within chips: east-west, north-south."""
        inside = np.where(self.ground.between_chips(), 0, self.load).sum((1, 2))
        return int(inside[0] + inside[1]), int(inside[2] + inside[3])

    @cached_property
    def chip_links(self) -> int:
        """Packets over links between chips."""
        return int(self.load.sum()) - sum(self.hops)

    @property
    def hottest_link(self) -> int:
        return int(np.where(self.ground.between_chips(), 0, self.load).max(initial=0))

    @property
    def hottest_chip_link(self) -> int:
        return int(np.where(self.ground.between_chips(), self.load, 0).max(initial=0))

    @property
    def way(self) -> int:
        """The cost that a search minimises: packets, hops, and links between chips, which count more."""
        return self.packets + sum(self.hops) + CHIP_LINK_AS_HOPS * self.chip_links


def travel(traffic: SpikeTraffic, places: np.ndarray, ground: Ground) -> Travel:
    """Route every spike. `places` [cores]: the place of each core."""
    to_x, to_y = ground.tile(places)
    start = np.where(traffic.origin < 0, 0, places[traffic.origin])
    from_x, from_y = ground.tile(start)
    shape = (ground.shape[1], ground.shape[0])
    if ground.multicast:
        to = csc_array(traffic.reach)
        load, off_chip = route_kernels().tree_loads(
            to.indptr, to.indices, traffic.spikes, from_x, from_y, to_x, to_y, *shape
        )
        return Travel(int(traffic.spikes.sum()), 0, int(off_chip), load, ground)
    indptr, senders = traffic.reach.indptr, traffic.reach.indices
    load = route_kernels().unicast_loads(indptr, senders, traffic.spikes, from_x, from_y, to_x, to_y, *shape)
    within, off_chip = route_kernels().same_tile_or_chip(
        indptr, senders, traffic.spikes, from_x, from_y, start // ground.on_chip, to_x, to_y, places // ground.on_chip
    )
    return Travel(int((traffic.spikes * traffic.targets).sum()), int(within), int(off_chip), load, ground)
