"""The simplest placement: neurons to cores in order, the recurrent layer first, then the readout.

A core is filled until one of the card's limits is reached. Spikes go to each destination core once: over a mesh of
tiles by Manhattan distance from the sender's tile (input from tile 0), or as one multicast packet. Spikes of the last
step are sent too, although nothing reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.basics.errors import CannotRun
from neurorec.engines.activity import Activity
from neurorec.hardware.chip import Chip, Limit
from neurorec.models.network import Network


@dataclass(frozen=True)
class Core:
    """Units `hidden` and `outputs`, each [first, past the last)."""

    hidden: tuple[int, int]
    outputs: tuple[int, int]


@dataclass(frozen=True)
class Mapping:
    """A placed net. Packets and hops are totals over all samples of the activity."""

    cores: tuple[Core, ...]
    cores_on_chip: int | None  #: None where the card states no cores
    tiles_used: int
    packets: int
    within_tile: int
    hops_east_west: int
    hops_north_south: int
    chips: int = 1
    packets_off_chip: int = 0
    hops_in_order: int | None = None  #: where cores were moved to shorten the way: what it was before
    hottest_link: int | None = None  #: packets over the busiest link, where that was asked for

    @property
    def share_of_chip(self) -> float | None:
        return len(self.cores) / (self.cores_on_chip * self.chips) if self.cores_on_chip else None


def place_in_order(network: Network, activity: Activity, chip: Chip) -> Mapping:
    """Place `network` on `chip` and count what its spikes travel.

    Raises
    ------
    CannotRun
        If it does not fit, saying which limit and by how much.
    """
    cores = _fill(network, chip)
    limits = chip.limits
    check_limit("cores", len(cores), limits.cores, "cores are needed")
    check_limit(
        "axons_per_core", _lines_into(network, cores), limits.axons_per_core, "lines arrive at its fullest core"
    )
    reached = len(_destinations(network, cores))
    check_limit("targets_per_neuron", reached, limits.targets_per_neuron, "cores must hear each neuron")
    on_chip = limits.cores.count if limits.cores else None
    tiles = -(-len(cores) // (chip.network.cores_per_tile if chip.network else 1))
    return Mapping(tuple(cores), on_chip, tiles, *_travel(network, activity, chip, cores))


def check_limit(name: str, needed: int, limit: Limit | None, what: str) -> None:
    if limit is not None and needed > limit.count:
        raise CannotRun(
            f"it does not fit: {needed} {what}, the limit {name} is {limit.count} ({needed - limit.count} too many)"
        )


def _fill(network: Network, chip: Chip) -> list[Core]:
    """Cores in the order they fill up; a sparse neuron is given the mean number of synapses, rounded up."""
    declared, H, outputs = network.cell.operations(), network.cell.size, network.readout.size
    units = chip.units_of(network.cell.card.name)
    synapses = -(-int(declared.input_fan_out.sum() + declared.recurrent_fan_out.sum()) // H)
    room = chip.limits.neurons_per_core.count if chip.limits.neurons_per_core else H * units + outputs
    store = chip.limits.synapses_per_core.count if chip.limits.synapses_per_core else H * (synapses + outputs)
    check_limit("synapses_per_core", max(synapses, H), chip.limits.synapses_per_core, "synapses end at one neuron")
    check_limit("neurons_per_core", units, chip.limits.neurons_per_core, "units make one neuron")
    filled: list[list[int]] = []  # of each core: hidden units, outputs
    free_units = free_synapses = 0
    for layer, count, per_unit, per_synapse in ((0, H, units, synapses), (1, outputs, 1, H)):
        for _ in range(count):
            if free_units < per_unit or free_synapses < per_synapse or not filled:
                filled.append([0, 0])
                free_units, free_synapses = room, store
            filled[-1][layer] += 1
            free_units, free_synapses = free_units - per_unit, free_synapses - per_synapse
    past = np.cumsum(filled, axis=0)
    return [
        Core((int(p[0]) - n[0], int(p[0])), (int(p[1]) - n[1], int(p[1]))) for n, p in zip(filled, past, strict=True)
    ]


def _holds_hidden(core: Core) -> bool:
    return core.hidden[1] > core.hidden[0]


def _destinations(network: Network, cores: list[Core]) -> set[int]:
    """Cores that a hidden unit's spike must reach: those with outputs, and with recurrence those with hidden units."""
    recurrent = bool(network.cell.operations().recurrent_fan_out.sum())
    return {
        n for n, core in enumerate(cores) if core.outputs[1] > core.outputs[0] or (recurrent and _holds_hidden(core))
    }


def _lines_into(network: Network, cores: list[Core]) -> int:
    """Input lines and hidden units that end at the core with most of them."""
    heard = _destinations(network, cores)
    size = network.cell.size
    return max(
        (network.cell.input_size if _holds_hidden(core) else 0) + (size if n in heard else 0)
        for n, core in enumerate(cores)
    )


def _travel(network: Network, activity: Activity, chip: Chip, cores: list[Core]) -> tuple[int, int, int, int]:
    """Packets, deliveries within a tile, hops east-west, hops north-south."""
    declared = network.cell.operations()
    inputs = int(activity.input_spikes[declared.input_fan_out > 0].sum()) if network.input_signal == "spikes" else 0
    if chip.network is None or chip.network.kind == "multicast":
        return inputs + int(activity.hidden_spikes.sum()), 0, 0, 0
    per_tile, columns = chip.network.cores_per_tile, chip.network.tiles[0]
    hidden_cores = {n for n, core in enumerate(cores) if _holds_hidden(core)}
    senders = [(0, inputs, hidden_cores)]
    senders += [
        (n // per_tile, int(np.sum(activity.hidden_spikes[slice(*core.hidden)])), _destinations(network, cores))
        for n, core in enumerate(cores)
    ]
    packets = within = east_west = north_south = 0
    for tile, spikes, targets in senders:
        for target in (core // per_tile for core in targets):
            across, along = abs(target % columns - tile % columns), abs(target // columns - tile // columns)
            packets += spikes
            within += spikes * (across + along == 0)
            east_west += spikes * across
            north_south += spikes * along
    return packets, within, east_west, north_south
