"""Spikes sent from each unit to each core, for a given assignment of units to cores.

A sender is one line if its wires are known individually, otherwise all units of a group on the same core, since they reach
the same cores. A unit whose fan-out is smaller than its target population reaches only as many of its cores as necessary
(the best case), at the same relative position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from neurorec.basics.errors import CannotRun
from neurorec.basics.memory_limit import gigabytes, memory_limit
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.kernels import wire_kernels
from neurorec.hardware.mapping.layout import Layout, check_limit
from neurorec.hardware.mapping.net import Net
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular

BYTES_PER_PAIR = 64  #: of a sender and a core: lists of rows, columns and synapses, and the matrix made of them


@dataclass(frozen=True)
class SpikeTraffic:
    """`reach` [cores, senders]: synapses that one spike of the sender reaches on the core; stored entries are deliveries."""

    origin: np.ndarray  #: [S] core of each sender, -1: the input
    spikes: np.ndarray  #: [S] over all samples
    lines: np.ndarray  #: [S] number of lines that the sender represents
    sender_of: np.ndarray  #: [I + N] the sender of each line
    reach: csr_array

    @property
    def cores(self) -> int:
        return len(self.reach.indptr) - 1

    @cached_property
    def targets(self) -> np.ndarray:
        """[S] number of cores that each sender reaches."""
        return np.bincount(self.reach.indices, minlength=len(self.spikes))

    @cached_property
    def lines_into(self) -> np.ndarray:
        """[cores] lines that end at each core."""
        return _row_sums(self.reach, self.lines)

    @cached_property
    def lines_out_of(self) -> np.ndarray:
        """[cores] pairs of a unit on the core and a target core."""
        own = self.origin >= 0
        return np.bincount(self.origin[own], (self.lines * self.targets)[own], self.cores).astype(np.int64)

    def with_spikes(self, spikes: np.ndarray) -> SpikeTraffic:
        """The same positions with other spikes of each line [I + N]."""
        counted = np.bincount(self.sender_of, spikes, len(self.lines))
        return SpikeTraffic(self.origin, counted.astype(np.int64), self.lines, self.sender_of, self.reach)


def _row_sums(matrix: csr_array, of: np.ndarray) -> np.ndarray:
    """Sum of `of` over the stored entries of each row."""
    ends = np.concatenate([[0], np.cumsum(of[matrix.indices])])
    return ends[matrix.indptr[1:]] - ends[matrix.indptr[:-1]]


def check_lines(traffic: SpikeTraffic, chip: Chip) -> None:
    """Check that every core has enough input and output axons.

    Raises
    ------
    CannotRun
        If not; the message names the limit and by how much it is exceeded.
    """
    limits, most = chip.limits, int(traffic.targets[traffic.origin >= 0].max(initial=0))
    check_limit("axons_per_core", int(traffic.lines_into.max(initial=0)), limits.axons_per_core,
                "lines arrive at its fullest core")  # fmt: skip
    check_limit("targets_per_neuron", most, limits.targets_per_neuron, "target cores per neuron")
    check_limit("output_axons_per_core", int(traffic.lines_out_of.max(initial=0)), limits.output_axons_per_core,
                "pairs of a neuron and a target core start at its fullest core")  # fmt: skip


def find_traffic(net: Net, layout: Layout) -> SpikeTraffic:
    """The traffic of `net`'s spikes between the cores of `layout`."""
    shares = _Shares(net, layout)
    by_line = {source for source, _ in net.wired}
    sender_of, origin = np.empty(net.inputs + net.size, np.int64), []
    senders_of: dict[int, np.ndarray] = {}  # per group: its senders, one per line or one per core
    count = 0
    for source in range(INPUT_LINES, len(net.groups)):
        first, size = (
            (0, net.inputs) if source == INPUT_LINES else (net.inputs + net.first[source], net.size_of(source))
        )
        own = (
            np.full(size, -1)
            if source == INPUT_LINES
            else layout.core_of[first - net.inputs : first - net.inputs + size]
        )
        if source in by_line:
            of_line, cores = np.arange(size), own
        elif source == INPUT_LINES:
            of_line, cores = np.zeros(size, np.int64), np.full(min(1, size), -1)
        else:
            of_line, cores = np.searchsorted(shares.cores[source], own), shares.cores[source]
        sender_of[first : first + size] = of_line + count
        origin.append(cores)
        senders_of[source] = np.arange(count, count + len(cores))
        count += len(cores)
    reach = _reach(net, layout, shares, senders_of, sender_of, count)
    return SpikeTraffic(
        origin=np.concatenate(origin).astype(np.int32),
        spikes=np.bincount(sender_of, net.spikes, count).astype(np.int64),
        lines=np.bincount(sender_of, minlength=count),
        sender_of=sender_of,
        reach=reach,
    )


class _Shares:
    """Per group: the cores that hold some of it, the number of units on each, and the index of the first one."""

    def __init__(self, net: Net, layout: Layout) -> None:
        parts = [layout.core_of[a:b] for a, b in zip(net.first, net.first[1:], strict=False)]
        found = [np.unique(part, return_index=True, return_counts=True) for part in parts]
        self.cores, self.firsts, self.counts = ([part[k] for part in found] for k in range(3))


def _reach(net: Net, layout: Layout, shares: _Shares, senders_of: dict[int, np.ndarray], sender_of: np.ndarray,
           count: int) -> csr_array:  # fmt: skip
    _check_memory(net, shares, senders_of)
    pieces = [_regular(line, net, shares, senders_of) for line in net.regular]
    reach = None
    if net.wired:
        units, unit_starts = layout.by_core
        kernels, wires, lines = wire_kernels(), net.wires, net.inputs + net.size
        row_starts = kernels.count_heard(units, unit_starts, wires.starts, wires.lines, lines)
        heard, synapses = kernels.gather_heard(units, unit_starts, wires.starts, wires.lines, lines, row_starts)
        if not np.array_equal(sender_of, np.arange(lines)):
            heard = sender_of[heard].astype(np.int32)
        reach = csr_array((synapses, heard, row_starts), shape=(layout.cores, count))
    if pieces or reach is None:
        rows, columns, synapses = (np.concatenate([np.zeros(0, np.int64), *part]) for part in zip(*pieces, strict=True)) \
            if pieces else (np.zeros(0, np.int64),) * 3  # fmt: skip
        regular = csr_array((synapses, (rows, columns)), shape=(layout.cores, count))
        reach = regular if reach is None else csr_array(reach + regular)
    return reach


def _check_memory(net: Net, shares: _Shares, senders_of: dict[int, np.ndarray]) -> None:
    """Raises `CannotRun` if there are more pairs of a sender and a core that it reaches than memory holds."""
    pairs = sum(len(senders_of[line.source]) * _cores_reached(line, net, shares) for line in net.regular)
    needed, limit = pairs * BYTES_PER_PAIR, memory_limit()
    if needed > limit:
        raise CannotRun(
            f"its {pairs:,} pairs of a sender and a target core would take {gigabytes(needed)} of memory to place, but there "
            f"are {gigabytes(limit)}"
        )


def _cores_reached(line: Regular, net: Net, shares: _Shares) -> int:
    """Cores of the target that one unit of the source must reach: all, or as many as its fan-out requires (the best case)."""
    cores, size, target_size = len(shares.cores[line.target]), net.size_of(line.source), net.size_of(line.target)
    if line.source == INPUT_LINES or line.fan_in == size:
        return cores
    return min(cores, -(-target_size * line.fan_in * cores // (size * target_size)))


def _regular(line: Regular, net: Net, shares: _Shares, senders_of: dict[int, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Deliveries of a regular connection: cores, senders, synapses per spike."""
    cores, units = shares.cores[line.target], shares.counts[line.target]
    senders, size = senders_of[line.source], net.size_of(line.source)
    if line.source == INPUT_LINES or line.fan_in == size:
        return np.repeat(cores, len(senders)), np.tile(senders, len(cores)), np.repeat(units, len(senders))
    target_size = net.size_of(line.target)
    fan_out = target_size * line.fan_in / size
    needed = _cores_reached(line, net, shares)
    firsts = np.arange(size) if len(senders) == size else shares.firsts[line.source]
    start = np.minimum((firsts / size * len(cores) + 0.5).astype(np.int64), len(cores) - needed)
    window = start[:, None] + np.arange(needed)
    return cores[window].ravel(), np.repeat(senders, needed), np.full(len(senders) * needed, fan_out / needed)
