"""How long one inference keeps the chip busy, from the times on the card: the busiest core, then a barrier, each step.

t = steps x (events x t_syn + active x t_active + inactive x t_inactive + barrier), of the busiest core in the mean
step: a lower estimate where steps differ, which a recording of a described net makes exact. Events of a layer are shared
among its cores by their number of units. The barrier is interpolated between one tile and all tiles, which are also its
band. A chip with a fixed step takes steps x step; one with only a time per event (or per bit moved) works through them
one after the other.
"""

from __future__ import annotations

from neurorec.hardware.band import Band
from neurorec.hardware.bill import Setting
from neurorec.hardware.chip import Chip
from neurorec.hardware.mapping import Core, Mapping
from neurorec.hardware.operations import WORD_BITS, Operations

NS_PER_US = 1e3


def busy_us(operations: Operations, mapping: Mapping, chip: Chip, setting: Setting) -> Band | None:
    """Time for which one inference is charged, or None where the card's times do not give one."""
    busy = _work_us(operations, mapping, chip)
    if busy is not None and setting.clock_MHz and chip.static is not None and chip.static.clock is not None:
        busy *= chip.static.clock.clock_MHz / setting.clock_MHz
    if setting.waits and operations.dt_ms is not None:
        real_us = Band.exact(operations.steps * operations.dt_ms * 1e3)
        return real_us if busy is None or busy.value < real_us.value else busy
    return busy


def _work_us(operations: Operations, mapping: Mapping, chip: Chip) -> Band | None:
    times, inferences = chip.time, max(1, operations.samples)
    if times.step is not None:
        return times.step.as_band() * (operations.steps / NS_PER_US)
    if chip.static is not None and chip.static.time == "real time":
        return None if operations.dt_ms is None else Band.exact(operations.steps * operations.dt_ms * 1e3)
    if times.barrier_one_tile is not None and mapping.busiest is not None:
        kinds = (times.synaptic_event, times.neuron_update_active, times.neuron_update_inactive)
        work = Band.total(t.as_band() * n for t, n in zip(kinds, mapping.busiest, strict=True) if t is not None)
        return (work + _barrier_ns(mapping, chip) * operations.steps) * (1 / NS_PER_US)
    if times.barrier_one_tile is not None:
        busiest = max((_core_ns(operations, core, chip) for core in mapping.cores), key=lambda band: band.value)
        return (busiest + _barrier_ns(mapping, chip)) * (operations.steps / NS_PER_US)
    if times.synaptic_event is not None:
        return times.synaptic_event.as_band() * (operations.total.synaptic_events / inferences / NS_PER_US)
    if times.mac is not None:
        work = operations.total if chip.counts_spikes else operations.total.as_dense()
        return times.mac.as_band() * (work.macs / inferences / NS_PER_US)
    if times.memory_bit is not None:
        work = operations.total if chip.counts_spikes else operations.total.as_dense()
        return times.memory_bit.as_band() * (work.memory_accesses * WORD_BITS / inferences / NS_PER_US)
    return None


def _core_ns(operations: Operations, core: Core, chip: Chip) -> Band:
    """Serial work of one core in the mean step of one sample."""
    runs = max(1, operations.samples * operations.steps)
    hidden, outputs = core.hidden[1] - core.hidden[0], core.outputs[1] - core.outputs[0]
    share, share_out = hidden / max(1, operations.hidden_units), outputs / max(1, operations.output_units)
    events = share * operations.cell.synaptic_events + share_out * operations.readout.synaptic_events
    active = share * operations.cell.spikes / runs
    units = hidden * chip.units_of(operations.cell_name) + outputs
    counted = (
        (chip.time.synaptic_event, events / runs),
        (chip.time.neuron_update_active, active),
        (chip.time.neuron_update_inactive, units - active),
    )
    return Band.total(time.as_band() * count for time, count in counted if time is not None)


def _barrier_ns(mapping: Mapping, chip: Chip) -> Band:
    assert chip.time.barrier_one_tile is not None
    one = chip.time.barrier_one_tile.ns
    if chip.time.barrier_all_tiles is None or chip.network is None:
        return chip.time.barrier_one_tile.as_band()
    everything, tiles = chip.time.barrier_all_tiles.ns, chip.network.tiles[0] * chip.network.tiles[1]
    return Band(one + (everything - one) * (mapping.tiles_used - 1) / max(1, tiles - 1), one, everything)
