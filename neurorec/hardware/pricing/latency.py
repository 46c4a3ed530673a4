"""Latency of one inference, from the times on the card, and its bottleneck.

A chip that runs as fast as it can ends each step with a barrier:
    t = sum over steps of max(busiest core, links) + barrier;  core: events x t_syn + active x t_active + inactive x t_inactive
Events of a layer are divided among its cores according to their number of units; links: packets over the tiles used, or over
the most loaded link if that carries more. Steps are those of the activity, averaged over samples: a lower estimate if samples
or cores of a layer differ (without activity per step the mean step is used, which is lower still; if the step of every spike
is known, the busiest core of each step is exact). The barrier is interpolated between one tile and all tiles, which are also
its band. A chip with a fixed step takes steps x step. For a chip with one time for all events, for all multiply-accumulates or
for every bit of memory traffic, the longest of the stated times counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.basics.counts import Counts, LayerCounts
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.evidence import Time
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.pricing.placed import Placed
from neurorec.hardware.workload.counting import Operations

NS_PER_US = 1e3


@dataclass(frozen=True)
class Busy:
    us: Band
    bottleneck: str


def busy(placed: Placed, memory_bits: float) -> Busy | None:
    """Time for which one inference is charged, or None if the card's times do not determine it.

    `memory_bits`: bits moved by all samples.
    """
    static, setting, dt_ms = placed.chip.static, placed.setting, placed.operations.dt_ms
    found = _work(placed, memory_bits)
    if found is not None and setting.clock_MHz and static is not None and static.clock is not None:
        found = Busy(found.us * (static.clock.clock_MHz / setting.clock_MHz), found.bottleneck)
    if setting.waits and dt_ms is not None:
        real = _real_time(placed.operations, dt_ms)
        return real if found is None or found.us.value < real.us.value else found
    return found


def learning_us(placed: Placed, learned: LayerCounts, learned_bits: float) -> Band | None:
    """Time of training beyond its forward passes; None if the card's times do not determine it.

    A chip with real time or a fixed step learns within its steps. On others, updates are sequential on the core with the
    largest share of them.
    """
    chip, times = placed.chip, placed.chip.time
    if times.step is not None or (chip.static is not None and chip.static.time == "real time"):
        return Band.exact(0.0)
    if times.barrier_one_tile is not None:
        if times.plasticity_update is None:
            return None
        updates = [(learned.of(p.name).plasticity_updates, max(1, p.size)) for p in placed.work.populations]
        most = max(
            sum(total * (n / size) for n, (total, size) in zip(core, updates, strict=True))
            for core in placed.mapping.cores
        )
        return times.plasticity_update.as_band() * (most / NS_PER_US)
    found = _serial(learned.total, learned_bits, chip)
    return None if found is None else found.us


def _work(placed: Placed, memory_bits: float) -> Busy | None:
    chip, operations = placed.chip, placed.operations
    if chip.time.step is not None:
        return Busy(chip.time.step.as_band() * (operations.mean_steps / NS_PER_US), "its fixed step")
    if chip.static is not None and chip.static.time == "real time":
        return None if operations.dt_ms is None else _real_time(operations, operations.dt_ms)
    if chip.time.barrier_one_tile is not None:
        return _stepped(placed, chip.time.barrier_one_tile)
    found = _serial(placed.layers.total, memory_bits, chip)
    return None if found is None else Busy(found.us * (1 / max(1, placed.inferences)), found.bottleneck)


def _real_time(operations: Operations, dt_ms: float) -> Busy:
    return Busy(Band.exact(operations.mean_steps * dt_ms * 1e3), "real time")


def _serial(counts: Counts, memory_bits: float, chip: Chip) -> Busy | None:
    """All events in sequence; arithmetic and memory in parallel."""
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


def _stepped(placed: Placed, barrier_one_tile: Time) -> Busy:
    """Every step takes the time of its busiest core or the links, plus the barrier."""
    operations, mapping, chip = placed.operations, placed.mapping, placed.chip
    each = 1.0 if operations.per_step is not None else operations.mean_steps
    events, spikes, running = _by_step(operations)
    cores = _busiest_ns(placed, events, spikes, running)
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
    barrier = _barrier_ns(mapping, chip, barrier_one_tile) * operations.mean_steps
    waits = {"cores": cores[0].sum() * each, "links": links[0] * operations.mean_steps, "the barrier": barrier.value}
    us = (Band(*(float(end) for end in work)) + barrier) * (1 / NS_PER_US)
    return Busy(us, max(waits, key=lambda name: waits[name]))


def _ends(band: Band) -> np.ndarray:
    return np.array([band.value, band.low, band.high])


def _by_step(operations: Operations) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Synaptic events and spikes of each layer in every step per sample, and the share of samples still running."""
    seen, samples = operations.per_step, max(1, operations.samples)
    if seen is not None and operations.running is not None:
        steps = seen.values()
        return (
            [one.events / samples for one in steps],
            [one.spikes / samples for one in steps],
            operations.running / samples,
        )
    runs, layers = max(1, operations.sample_steps), operations.layers.values()
    mean = [[np.array([total / runs]) for total in totals] for totals in
            ([one.synaptic_events for one in layers], [one.spikes for one in layers], [operations.sample_steps])]  # fmt: skip
    return mean[0], mean[1], mean[2][0]


def _busiest_ns(placed: Placed, events: list[np.ndarray], spikes: list[np.ndarray], running: np.ndarray) -> np.ndarray:
    """Sequential work of the busiest core in each step per sample: [3, T], value, low and high."""
    held = np.array(placed.mapping.cores)[:, :, None]  # [cores, layers, 1]
    met, active, units = 0.0, 0.0, 0
    for n, p in enumerate(placed.work.populations):
        share = held[:, n] / max(1, p.size)
        met, active = met + share * events[n], active + share * spikes[n]
        units = units + held[:, n] * (1 if p.is_readout else placed.chip.units_of(p.needs))
    times = placed.chip.time
    counted = (
        (times.synaptic_event, met),
        (times.neuron_update_active, active),
        (times.neuron_update_inactive, units * running - active),
    )
    spent = [_ends(time.as_band())[:, None, None] * count for time, count in counted if time is not None]
    return np.sum(spent, axis=0).max(1) if spent else np.zeros((3, len(running)))


def _barrier_ns(mapping: Mapping, chip: Chip, barrier_one_tile: Time) -> Band:
    one = barrier_one_tile.ns
    if chip.time.barrier_all_tiles is None or chip.network is None:
        return barrier_one_tile.as_band()
    everything, tiles = chip.time.barrier_all_tiles.ns, chip.network.tiles[0] * chip.network.tiles[1]
    return Band(one + (everything - one) * (mapping.tiles_used - 1) / max(1, tiles - 1), one, everything)
