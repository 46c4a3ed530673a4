"""How long one inference keeps the chip busy, from the times on the card, and what it waits for.

A chip that runs as fast as it can ends each step with a barrier:
    t = sum over steps of max(busiest core, links) + barrier;  core: events x t_syn + active x t_active + inactive x t_inactive
Events of a layer are shared among its cores by their number of units; links: packets over the tiles used, or over the hottest
link where that carries more. Steps are those of the activity, in the mean over samples: a lower estimate where samples or
cores of a layer differ (without activity by step, it is the mean step, lower still; a recording of a described net gives the
busiest core of each step). The barrier is interpolated between one
tile and all tiles, which are also its band. A chip with a fixed step takes steps x step. Of a chip with one time for all
events, for all multiply-accumulates or for every bit of memory traffic, the longest of those stated counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.counts import Counts
from neurorec.hardware.mapping import Core, Mapping
from neurorec.hardware.pricing.bill import Setting
from neurorec.hardware.workload.operations import Operations

NS_PER_US = 1e3


@dataclass(frozen=True)
class Busy:
    us: Band
    bottleneck: str


def busy(operations: Operations, mapping: Mapping, chip: Chip, setting: Setting, memory_bits: float) -> Busy | None:
    """Time for which one inference is charged, or None where the card's times do not give one.

    `memory_bits` is what all samples of `operations` move.
    """
    found = _work(operations, mapping, chip, memory_bits)
    if found is not None and setting.clock_MHz and chip.static is not None and chip.static.clock is not None:
        found = Busy(found.us * (chip.static.clock.clock_MHz / setting.clock_MHz), found.bottleneck)
    if setting.waits and operations.dt_ms is not None:
        real = _real_time(operations, operations.dt_ms)
        return real if found is None or found.us.value < real.us.value else found
    return found


def learning_us(
    learned: Counts, learned_bits: float, operations: Operations, mapping: Mapping, chip: Chip
) -> Band | None:
    """Time of everything a training does beyond its forward passes; None where the card's times do not give it.

    A chip bound to real time or to a fixed step learns within its steps. Elsewhere updates come one after another on the
    core that holds most of the layer.
    """
    if chip.time.step is not None or (chip.static is not None and chip.static.time == "real time"):
        return Band.exact(0.0)
    if chip.time.barrier_one_tile is not None:
        if chip.time.plasticity_update is None:
            return None
        fullest = max(core.hidden[1] - core.hidden[0] for core in mapping.cores) / max(1, operations.hidden_units)
        return chip.time.plasticity_update.as_band() * (learned.plasticity_updates * fullest / NS_PER_US)
    found = _serial(learned, learned_bits, chip)
    return None if found is None else found.us


def _work(operations: Operations, mapping: Mapping, chip: Chip, memory_bits: float) -> Busy | None:
    times, inferences = chip.time, max(1, operations.samples)
    if times.step is not None:
        return Busy(times.step.as_band() * (operations.mean_steps / NS_PER_US), "its fixed step")
    if chip.static is not None and chip.static.time == "real time":
        return None if operations.dt_ms is None else _real_time(operations, operations.dt_ms)
    if times.barrier_one_tile is not None:
        return _stepped(operations, mapping, chip)
    counts = operations.total if chip.counts_spikes else operations.total.as_dense()
    found = _serial(counts, memory_bits, chip)
    return None if found is None else Busy(found.us * (1 / inferences), found.bottleneck)


def _real_time(operations: Operations, dt_ms: float) -> Busy:
    return Busy(Band.exact(operations.mean_steps * dt_ms * 1e3), "real time")


def _serial(counts: Counts, memory_bits: float, chip: Chip) -> Busy | None:
    """All events one after another; arithmetic and memory side by side."""
    times = chip.time
    stated = (
        ("synaptic events", times.synaptic_event, counts.synaptic_events),
        ("arithmetic", times.mac, counts.macs),
        ("memory", times.memory_bit, memory_bits),
    )
    found = [Busy(time.as_band() * (count / NS_PER_US), name) for name, time, count in stated if time is not None]
    if not found:
        return None
    slowest = max(found, key=lambda one: one.us.value)
    return Busy(Band.largest(one.us for one in found), slowest.bottleneck)


def _stepped(operations: Operations, mapping: Mapping, chip: Chip) -> Busy:
    """Every step waits for its busiest core or the links, then for the barrier."""
    samples, each = max(1, operations.samples), operations.mean_steps
    seen = operations.per_step
    if seen is None:  # one mean step, `each` times
        total = (operations.cell.synaptic_events, operations.readout.synaptic_events, operations.cell.spikes)
        steps = tuple(
            np.array([count / max(1, operations.sample_steps)]) for count in (*total, operations.sample_steps)
        )
    else:
        each = 1
        steps = tuple(n / samples for n in (seen.cell_events, seen.readout_events, seen.spikes, seen.running))
    cores = np.zeros((3, len(steps[0])))
    for core in mapping.cores:
        cores = np.maximum(cores, _core_ns(operations, core, chip, steps))
    running = steps[3]
    if mapping.busiest is not None:  # exact: the busiest core of each step, as one mean step
        each, running = operations.mean_steps, np.ones(1)
        kinds = (chip.time.synaptic_event, chip.time.neuron_update_active, chip.time.neuron_update_inactive)
        spent = [time.as_band() * count for time, count in zip(kinds, mapping.busiest, strict=True) if time is not None]
        cores = _ends(Band.total(spent) * (1 / each))[:, None]
    links = np.zeros(3)
    if chip.time.packet is not None:
        over = max(mapping.packets / max(1, mapping.tiles_used * mapping.chips), mapping.hottest_link)
        links = _ends(chip.time.packet.as_band()) * over / max(1, operations.sample_steps)
    work = np.maximum(cores, links[:, None] * running).sum(1) * each
    barrier = _barrier_ns(mapping, chip) * operations.mean_steps
    waits = {"cores": cores[0].sum() * each, "links": links[0] * operations.mean_steps, "the barrier": barrier.value}
    us = (Band(*(float(end) for end in work)) + barrier) * (1 / NS_PER_US)
    return Busy(us, max(waits, key=lambda name: waits[name]))


def _ends(band: Band) -> np.ndarray:
    return np.array([band.value, band.low, band.high])


def _core_ns(operations: Operations, core: Core, chip: Chip, steps: tuple[np.ndarray, ...]) -> np.ndarray:
    """Serial work of one core in each step of one sample: [3, T], value, low and high."""
    hidden, outputs = core.hidden[1] - core.hidden[0], core.outputs[1] - core.outputs[0]
    share, share_out = hidden / max(1, operations.hidden_units), outputs / max(1, operations.output_units)
    events, active = share * steps[0] + share_out * steps[1], share * steps[2]
    units = (hidden * chip.units_of(operations.cell_name) + outputs) * steps[3]
    counted = (
        (chip.time.synaptic_event, events),
        (chip.time.neuron_update_active, active),
        (chip.time.neuron_update_inactive, units - active),
    )
    spent = [_ends(time.as_band())[:, None] * count[None, :] for time, count in counted if time is not None]
    return np.sum(spent, axis=0) if spent else np.zeros((3, len(events)))


def _barrier_ns(mapping: Mapping, chip: Chip) -> Band:
    assert chip.time.barrier_one_tile is not None
    one = chip.time.barrier_one_tile.ns
    if chip.time.barrier_all_tiles is None or chip.network is None:
        return chip.time.barrier_one_tile.as_band()
    everything, tiles = chip.time.barrier_all_tiles.ns, chip.network.tiles[0] * chip.network.tiles[1]
    return Band(one + (everything - one) * (mapping.tiles_used - 1) / max(1, tiles - 1), one, everything)
