"""What a whole training costs: its forward passes, what comes after them, and the power that flows meanwhile.

In training, memory holds gradients, moments, tape and traces beside the net, so stores are placed anew for all of it and
forward passes may read from a larger memory than inference does.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.communication.link_price import price_traffic
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.hardware.counts import LayerCounts
from neurorec.hardware.pricing.bill import Cost, Setting, TrainingCost, Workers
from neurorec.hardware.pricing.charges import (
    Charge,
    charge_inference,
    charge_learning,
    charge_memory,
    idle_power_mW,
    on_chip,
    precision_of,
    total_of,
)
from neurorec.hardware.pricing.latency import busy, learning_us
from neurorec.hardware.pricing.memory import BitsMoved, place_stores, traffic
from neurorec.hardware.pricing.price_law import PJ_PER_MW_US
from neurorec.hardware.training_operations import TrainingOperations
from neurorec.hardware.workload.operations import Operations


def price_training(cost: Cost, counted: TrainingOperations, chip: Chip, setting: Setting) -> TrainingCost:
    """The training `counted` on `chip`, on which `cost` is one inference."""
    assert cost.operations is not None
    assert cost.mapping is not None
    assert cost.communication_bits is not None
    precision = precision_of(chip, setting.precision)
    if precision.is_integer and counted.phases["backward"] != LayerCounts():
        return TrainingCost(None, f"backward passes in {precision.name} are not counted; train in a float type")
    merged, why_not = _merged(counted, setting.workers, chip)
    if why_not:
        return TrainingCost(None, why_not)
    moved = _moved(cost.operations, counted, chip, setting)
    passes = counted.samples_seen / cost.operations.samples
    forward = charge_inference(cost.operations, cost.mapping, chip, (), precision)
    charges = [
        *(charge.times(passes) for charge in forward),
        *charge_learning(counted.phases["backward"], chip, precision.weight),
        *charge_learning(counted.phases["update"], chip, precision.for_learning.weight),
        *charge_memory([one for phase in moved.values() for one in phase], chip),
        *(merged.charges if merged else ()),
    ]
    time_us, charges_static = _static(cost, counted, chip, setting, moved)
    dynamic = [charge for charge in charges if charge.part != "static"]
    static = [charge for charge in charges if charge.part == "static"] + charges_static
    bound_only = chip.static is not None and chip.static.time == "bits over bandwidth"
    errors = counted.backward.values_sent * precision.bits("activation")
    return TrainingCost(
        energy_pJ=total_of([*dynamic, *static]),
        dynamic_pJ=total_of(dynamic) if chip.scope == "per-term" else None,
        static_pJ=total_of(static) if any(charge.energy_pJ for charge in static) else None,
        time_us=None if bound_only else _shared(time_us, merged, setting.workers),
        unpriced=tuple(dict.fromkeys(one.term for one in [*dynamic, *static] if one.energy_pJ is None)),
        without_band=tuple(
            dict.fromkeys(one.term for one in [*dynamic, *static] if one.energy_pJ and not one.has_band)
        ),
        communication_bits=cost.communication_bits * counted.samples_seen + errors + (merged.bits if merged else 0.0),
        operations=counted,
        traffic=tuple(one for phase in moved.values() for one in phase),
    )


@dataclass(frozen=True)
class Merged:
    """What adding up the gradients of all workers costs; None where the link's card does not say."""

    bits: float
    charges: tuple[Charge, ...]
    time_us: Band | None


def _merged(counted: TrainingOperations, workers: Workers | None, chip: Chip) -> tuple[Merged | None, str]:
    """One ring all-reduce of all trained numbers at every update, or the reason why it cannot be."""
    if workers is None or workers.count == 1:
        return None, ""
    if not counted.updates:
        return None, f'the rule "{counted.rule}" has no update a batch that workers could add up'
    batch = -(-counted.samples_seen // counted.updates)
    if batch < workers.count:
        return None, f"{workers.count} workers cannot share a batch of {batch} samples"
    link, sent = load_link(workers.link), merge_traffic(counted.numbers, workers.count, counted.updates)
    found = price_traffic(sent, link, workers.count)
    if found.why_not:
        return None, f"{workers.link}: {found.why_not}"
    time_us = None if found.time_s is None or found.time_at_least else found.time_s * 1e6
    charges = [Charge("link", found.energy_pJ, link.energy is not None and link.energy.has_band)]
    charges += [Charge("link beyond one hop", None, False)] if found.energy_at_least else []
    charges += [Charge("static while waiting for the link", None, False)] if "static" in chip.must_price else []
    return Merged(8.0 * sent.total_bytes, tuple(charges), time_us), ""


def _shared(time_us: Band | None, merged: Merged | None, workers: Workers | None) -> Band | None:
    """Workers compute side by side, and then wait for the ring."""
    if merged is None or workers is None or time_us is None:
        return time_us
    return None if merged.time_us is None else time_us * (1 / workers.count) + merged.time_us


def _moved(
    operations: Operations, counted: TrainingOperations, chip: Chip, setting: Setting
) -> dict[str, tuple[BitsMoved, ...]]:
    """Bits by phase, with one placement for the whole training."""
    stores, precision = (*operations.stores, *counted.stores), precision_of(chip, setting.precision)
    phases = {name: on_chip(chip, counts) for name, counts in counted.phases.items()}
    placed = place_stores(stores, sum(phases.values(), LayerCounts()), precision, chip.memory)
    return {name: traffic(stores, counts, precision, chip.memory, placed) for name, counts in phases.items()}


def _static(
    cost: Cost, counted: TrainingOperations, chip: Chip, setting: Setting, moved: dict[str, tuple[BitsMoved, ...]]
) -> tuple[Band | None, list[Charge]]:
    """The time of the training, where the card's times give it, and static power over as much of it as they give."""
    assert cost.operations is not None
    assert cost.mapping is not None
    bits = {phase: sum(one.bits for one in stores) for phase, stores in moved.items()}
    passes = counted.samples_seen / cost.operations.samples
    forward = busy(cost.operations, cost.mapping, chip, setting, bits["forward"] / passes if passes else 0.0)
    learned = on_chip(chip, counted.phases["backward"] + counted.phases["update"]).total
    after = learning_us(learned, bits["backward"] + bits["update"], cost.operations, cost.mapping, chip)
    known = [part for part in (forward and forward.us * counted.samples_seen, after) if part is not None]
    time_us = Band.total(known) if len(known) == 2 else None
    if "static" not in chip.must_price:
        return time_us, []
    if chip.static is None or forward is None:
        return time_us, [Charge("static", None, False)]
    powers = [power for power in (chip.static.power, chip.static.clock) if power is not None]
    energy = idle_power_mW(chip, setting.clock_MHz) * Band.total(known) * (PJ_PER_MW_US * cost.mapping.chips)
    charges = [Charge("static", energy, all(power.has_band for power in powers))]
    return time_us, charges if after is not None else [*charges, Charge("static while weights change", None, False)]
