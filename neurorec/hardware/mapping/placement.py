"""Placement of a network on as many chips as it needs: neurons to cores, cores to positions, spikes to routes.

First in order, which is always possible if the network fits. A partition or a search replaces it only if paths become
shorter; the result includes the traffic of the placement in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from neurorec.basics.errors import CannotRun
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.anneal import anneal
from neurorec.hardware.mapping.busiest import busiest_cores
from neurorec.hardware.mapping.layout import Layout, check_cores, check_neurons, fill_cores
from neurorec.hardware.mapping.net import Net, net_of
from neurorec.hardware.mapping.partition import partitions, share_out_chips
from neurorec.hardware.mapping.routes import Ground, Travel, travel
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic, check_lines, find_traffic
from neurorec.hardware.workload.workload import Workload

TRIES = 5


@dataclass(frozen=True)
class Plan:
    """All decisions of a placement: for pictures, and to price other spikes with the same positions."""

    net: Net
    layout: Layout
    traffic: SpikeTraffic
    places: np.ndarray  #: [cores]
    travel: Travel


@dataclass(frozen=True)
class Mapping:
    """A placed network. Packets, hops and loads are totals over all samples of the activity."""

    cores: tuple[tuple[int, ...], ...]  #: per core, the number of units of each population
    cores_on_chip: int | None  #: None if the card states no cores
    tiles_used: int  #: on the chip with most tiles in use
    packets: int
    within_tile: int
    hops_east_west: int
    hops_north_south: int
    chips: int = 1
    packets_off_chip: int = 0
    chip_links: int = 0  #: packets over links between chips; one that crosses two counts twice
    hottest_link: int = 0  #: packets over the most loaded link between two tiles of a chip
    hottest_chip_link: int = 0  #: packets over the most loaded link between two chips
    in_order: Mapping | None = None  #: if something else was tried: the placement in order
    found_by: str = "in order"
    plan: Plan | None = field(default=None, compare=False, repr=False)
    #: if the step of every spike is known: synaptic events, active and inactive neurons of the busiest core of each step,
    #: summed over all steps
    busiest: tuple[float, float, float] | None = None

    @property
    def share_of_chip(self) -> float | None:
        return len(self.cores) / (self.cores_on_chip * self.chips) if self.cores_on_chip else None

    @property
    def hops(self) -> int:
        return self.hops_east_west + self.hops_north_south


def place_work(work: Workload, chip: Chip) -> Mapping:
    """`place` with the workload's setting."""
    mapping = place(net_of(work, chip), chip, work.setting.partitioned, work.setting.annealed)
    plan = mapping.plan
    if work.spiked is None or plan is None or chip.time.barrier_one_tile is None:
        return mapping
    found = busiest_cores(plan.net, plan.layout, plan.traffic, work.spiked, chip, work.steps)
    return replace(mapping, busiest=found)


def place(net: Net, chip: Chip, partitioned: bool = False, annealed: bool = False) -> Mapping:
    """Place `net` on `chip` and count the traffic of its spikes.

    Raises
    ------
    CannotRun
        If it does not fit; the message names the limit and by how much it is exceeded.
    """
    check_neurons(net, chip)
    if chip.limits.neurons_per_core is None and chip.limits.synapses_per_core is None and chip.limits.cores is None:
        return _one_core(net)
    in_order = _fit(net, chip)
    plain = _mapping(in_order, chip)
    if not partitioned and not annealed:
        return plain
    best, found_by = in_order, []
    if partitioned:
        best, found_by = _partitioned(net, chip, in_order)
    if annealed:
        ground = best.travel.ground
        places, then = anneal(best.traffic, best.places, ground)
        if then.way < best.travel.way:
            best, found_by = Plan(net, best.layout, best.traffic, places, then), [*found_by, "annealed"]
    return _mapping(best, chip, plain, " + ".join(found_by) or "in order")


def _partitioned(net: Net, chip: Chip, in_order: Plan) -> tuple[Plan, list[str]]:
    """The plan with the shorter paths: METIS on neurons, then METIS on cores if there are several chips."""
    best, found_by = in_order, []
    for order, breaks in partitions(net, chip, in_order.layout):
        try:
            tried = _fit(net, chip, order, breaks)
        except CannotRun:
            continue  # the placement in order fits, this one does not
        if tried.travel.way < best.travel.way:
            best, found_by = tried, ["METIS" if net.wired else "whole layers"]
    ground = best.travel.ground
    places = share_out_chips(best.traffic, ground)
    if places is not None:
        then = travel(best.traffic, places, ground)
        if then.way < best.travel.way:
            best, found_by = Plan(net, best.layout, best.traffic, places, then), [*found_by, "METIS of chips"]
    return best, found_by


def _fit(net: Net, chip: Chip, order: np.ndarray | None = None, breaks: np.ndarray | None = None) -> Plan:
    """Fill cores in the given order, with fewer neurons per core if they have more target cores than it has output axons.

    The number of target cores of a neuron is known only afterwards, so this is repeated with the numbers found, and slightly
    more.
    """
    limit, out = chip.limits.output_axons_per_core, None
    for attempt in range(TRIES):
        layout = fill_cores(net, chip, order, breaks, out)
        check_cores(chip, layout.cores)
        traffic = find_traffic(net, layout)
        if limit is None or traffic.lines_out_of.max(initial=0) <= limit.count:
            break
        out = np.ceil(traffic.targets[traffic.sender_of[net.inputs :]] * (1.01 + 0.02 * attempt)).astype(np.int64)
    check_lines(traffic, chip)
    places = np.arange(layout.cores)
    return Plan(net, layout, traffic, places, travel(traffic, places, Ground.of(chip, layout.cores)))


def _mapping(plan: Plan, chip: Chip, in_order: Mapping | None = None, found_by: str = "in order") -> Mapping:
    travelled, limit = plan.travel, chip.limits.cores
    return Mapping(
        cores=_cores(plan.net, plan.layout),
        cores_on_chip=limit.count if limit else None,
        tiles_used=_most_tiles(plan),
        packets=travelled.packets,
        within_tile=travelled.within_tile,
        hops_east_west=travelled.hops[0],
        hops_north_south=travelled.hops[1],
        chips=travelled.ground.chips,
        packets_off_chip=travelled.packets_off_chip,
        chip_links=travelled.chip_links,
        hottest_link=travelled.hottest_link,
        hottest_chip_link=travelled.hottest_chip_link,
        in_order=in_order,
        found_by=found_by,
        plan=plan,
    )


def _most_tiles(plan: Plan) -> int:
    """Number of tiles in use on the chip with most of them."""
    ground = plan.travel.ground
    tiles = np.unique(plan.places // ground.on_chip * ground.on_chip + plan.places % ground.on_chip // ground.per_tile)
    return int(np.bincount(tiles // ground.on_chip).max())


def _cores(net: Net, layout: Layout) -> tuple[tuple[int, ...], ...]:
    held = np.zeros((layout.cores, len(net.groups)), np.int64)
    np.add.at(held, (layout.core_of, net.group_of), 1)
    return tuple(map(tuple, held.tolist()))


def _one_core(net: Net) -> Mapping:
    """A chip whose card states no cores: everything is on one core."""
    return Mapping((tuple(group.size for group in net.groups),), None, 1, int(net.spikes.sum()), 0, 0, 0)
