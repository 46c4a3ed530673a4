"""Neurons to cores in order: a core is filled until one of the card's limits is reached. The result is a `Layout`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurorec.basics.errors import CannotRun
from neurorec.hardware.chips.chip import Chip, Limit
from neurorec.hardware.mapping.kernels import wire_kernels
from neurorec.hardware.mapping.net import Net
from neurorec.hardware.workload.wiring import INPUT_LINES

NO_LIMIT = 2**62


@dataclass(frozen=True)
class Layout:
    """`core_of` [N]: the core of each unit."""

    core_of: np.ndarray
    cores: int

    @cached_property
    def by_core(self) -> tuple[np.ndarray, np.ndarray]:
        """The units of core 0, then of core 1, and so on, and the start of each core's units [cores + 1]."""
        counts = np.bincount(self.core_of, minlength=self.cores)
        return np.argsort(self.core_of, kind="stable"), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def check_limit(name: str, needed: int, limit: Limit | None, what: str) -> None:
    if limit is not None and needed > limit.count:
        raise CannotRun(
            f"it does not fit: {needed} {what}, the limit {name} is {limit.count} ({needed - limit.count} too many)"
        )


def check_neurons(net: Net, chip: Chip) -> None:
    """Check that every neuron fits on an empty core, and the network on the chip if there can be only one.

    Raises
    ------
    CannotRun
        If it does not; the message names the limit and by how much it is exceeded.
    """
    limits = chip.limits
    check_limit("synapses_per_core", int(net.synapses.max()), limits.synapses_per_core, "synapses end at one neuron")
    check_limit("neurons_per_core", max(g.units for g in net.groups), limits.neurons_per_core, "units make one neuron")
    if chip.network is None:
        units, synapses = sum(g.units * g.size for g in net.groups), int(net.synapses.sum())
        check_cores(chip, max(_over(units, limits.neurons_per_core), _over(synapses, limits.synapses_per_core)))


def check_cores(chip: Chip, cores: int) -> None:
    if chip.network is None:
        check_limit("cores", cores, chip.limits.cores, "cores are needed and it has no links to a second chip")


def _over(count: int, limit: Limit | None) -> int:
    return -(-count // limit.count) if limit else 1


def fill_cores(net: Net, chip: Chip, order: np.ndarray | None = None, breaks: np.ndarray | None = None,
               out: np.ndarray | None = None) -> Layout:  # fmt: skip
    """Fill cores in order. `breaks`: positions in `order` at which a new core starts in any case.

    `out` [N]: number of target cores of each unit, which is known only after all units have been assigned.
    """
    limits, groups = chip.limits, len(net.groups)
    regular = np.zeros((groups, groups + 1), np.int64)
    for line in net.regular:
        if line.fan_in == net.size_of(line.source):
            regular[line.target, groups if line.source == INPUT_LINES else line.source] = line.fan_in
    core_of, cores = wire_kernels().fill(
        np.arange(net.size) if order is None else order,
        np.zeros(net.size, bool) if breaks is None else breaks,
        net.group_of,
        np.array([group.units for group in net.groups]),
        net.synapses,
        regular,
        np.zeros(net.size, np.int64) if out is None else out,
        *(limit.count if limit else NO_LIMIT
          for limit in (limits.neurons_per_core, limits.synapses_per_core, limits.axons_per_core,
                        limits.output_axons_per_core)),
        net.wires.starts,
        net.wires.lines,
        net.inputs + net.size,
    )  # fmt: skip
    return Layout(core_of, cores)
