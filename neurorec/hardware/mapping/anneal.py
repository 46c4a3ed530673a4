"""Cores to places on a mesh by simulated annealing: swap two, keep what shortens the spikes' way.

A place is a core position: tile = place // cores a tile, chip = place // cores a chip. A packet to another chip counts as
`OFF_CHIP_HOPS` hops, so that fewer leave the chip; how far it goes on the other chip is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.hardware.chip import Chip
from neurorec.hardware.terms import NetworkOnChip

OFF_CHIP_HOPS = 24  #: twice across an 8 x 4 mesh: only the search uses it, no price does
SWAPS_PER_CORE = 150
MOST_SWAPS = 60_000


@dataclass(frozen=True)
class Sender:
    """`spikes` sent from `core` (None: the input, which enters at tile 0), each to every core in `targets`."""

    core: int | None
    spikes: int
    targets: np.ndarray


def travel(senders: list[Sender], places: np.ndarray, chip: Chip, on_chip: int) -> dict[str, int]:
    """Packets, deliveries within a tile, hops, packets to another chip. `places` [cores]: the place of each core."""
    kinds = ("packets", "within_tile", "hops_east_west", "hops_north_south", "packets_off_chip")
    count: dict[str, int] = dict.fromkeys(kinds, 0)
    mesh = chip.network is not None and chip.network.kind == "mesh"
    for sender in senders:
        place = 0 if sender.core is None else places[sender.core]
        targets = places[sender.targets]
        other = targets // on_chip != place // on_chip
        if not mesh or chip.network is None:
            count["packets"] += sender.spikes
            count["packets_off_chip"] += sender.spikes * len(np.unique(targets[other] // on_chip))
            continue
        across, along = _away(place, targets[~other], on_chip, chip.network)
        count["packets"] += sender.spikes * len(targets)
        count["within_tile"] += sender.spikes * int((across + along == 0).sum())
        count["hops_east_west"] += sender.spikes * int(across.sum())
        count["hops_north_south"] += sender.spikes * int(along.sum())
        count["packets_off_chip"] += sender.spikes * int(other.sum())
    return count


def _away(place: int, targets: np.ndarray, on_chip: int, mesh: NetworkOnChip) -> tuple[np.ndarray, np.ndarray]:
    """Hops east-west and north-south to places on the same chip."""
    tile, tiles = place % on_chip // mesh.cores_per_tile, targets % on_chip // mesh.cores_per_tile
    columns = mesh.tiles[0]
    return np.abs(tiles % columns - tile % columns), np.abs(tiles // columns - tile // columns)


def anneal(senders: list[Sender], cores: int, on_chip: int, mesh: NetworkOnChip, seed: int = 0) -> np.ndarray:
    """The place of each core. Starts from the order of the cores and returns the best found, never worse than the start."""
    weights, arriving = _weights(senders, cores)
    far = _distances(cores, on_chip, mesh)
    draw = np.random.default_rng(seed)
    places = np.arange(cores)

    def change(a: int, b: int) -> float:
        """By how much the way of all spikes grows if the cores a and b swap places."""
        gain = far[places[b], places] - far[places[a], places]
        both = float(weights[a] @ gain - weights[b] @ gain)
        kept = 2 * float(weights[a, b]) * far[places[a], places[b]]  # the two stay as far from each other as they were
        return float(both + kept + (arriving[a] - arriving[b]) * (far[0, places[b]] - far[0, places[a]]))

    best, length, shortest = places.copy(), 0.0, 0.0
    swaps = min(SWAPS_PER_CORE * cores, MOST_SWAPS) if cores > 1 else 0
    sample = [abs(change(*draw.choice(cores, 2, replace=False))) for _ in range(min(swaps, 50))]
    hot = float(np.mean(sample)) if sample else 0.0
    for n in range(swaps):
        a, b = draw.choice(cores, 2, replace=False)
        grows = change(a, b)
        if grows < 0 or draw.random() < np.exp(-grows / max(1e-12, hot * (1 - n / swaps) ** 3)):
            places[a], places[b] = places[b], places[a]
            length += grows
            if length < shortest - 1e-9:
                shortest, best = length, places.copy()
    return best


def _weights(senders: list[Sender], cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes between every two cores, both ways together [cores, cores], and from the input [cores]."""
    between, arriving = np.zeros((cores, cores)), np.zeros(cores)
    for sender in senders:
        row = arriving if sender.core is None else between[sender.core]
        row[sender.targets] += sender.spikes
    np.fill_diagonal(between, 0.0)
    return between + between.T, arriving


def _distances(cores: int, on_chip: int, mesh: NetworkOnChip) -> np.ndarray:
    """Hops between every two places [cores, cores]."""
    places = np.arange(cores)
    far = np.zeros((cores, cores))
    for place in range(cores):
        across, along = _away(place, places, on_chip, mesh)
        far[place] = np.where(places // on_chip == place // on_chip, across + along, OFF_CHIP_HOPS)
    return far


def hottest_link(senders: list[Sender], places: np.ndarray, on_chip: int, mesh: NetworkOnChip) -> int:
    """Packets over the busiest link between two tiles of a chip, with routes first east-west, then north-south."""
    columns = mesh.tiles[0]
    load: dict[tuple[int, int, int], int] = {}  # chip, tile, next tile -> packets
    for sender in senders:
        place = 0 if sender.core is None else int(places[sender.core])
        for target in places[sender.targets]:
            if target // on_chip != place // on_chip:
                continue
            at, goal = (int(p) % on_chip // mesh.cores_per_tile for p in (place, target))
            while at != goal:
                across = goal % columns - at % columns
                step = int(np.sign(across)) if across else columns * int(np.sign(goal - at))
                link = (place // on_chip, at, at + step)
                load[link] = load.get(link, 0) + sender.spikes
                at += step
    return max(load.values(), default=0)
