"""The cost of a whole training: its forward passes, what follows them, and static power.

In training, memory must also hold gradients, moments, tape and traces, so stores are allocated again for all of these, and
forward passes may read from a larger memory than inference does.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.basics.counts import LayerCounts, TrainingCounts
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.communication.link_price import price_traffic
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.hardware.pricing.bill import TrainingCost
from neurorec.hardware.pricing.charges import Charge, charge_inference, charge_learning, charge_memory, total_of
from neurorec.hardware.pricing.latency import busy, learning_us
from neurorec.hardware.pricing.memory import BitsMoved, place_stores, traffic
from neurorec.hardware.pricing.placed import Placed, on_chip
from neurorec.hardware.pricing.power import idle_energy_pJ
from neurorec.hardware.workload.setting import Workers


def price_training(placed: Placed, counted: TrainingCounts) -> TrainingCost:
    """The training `counted` on the chip on which the network was placed."""
    chip, precision, workers = placed.chip, placed.precision, placed.setting.workers
    if precision.is_integer and counted.phases["backward"] != LayerCounts():
        return TrainingCost(None, f"backward passes in {precision.name} are not counted; train in a float type")
    merged, why_not = _merged(counted, workers, chip)
    if why_not:
        return TrainingCost(None, why_not)
    moved = _moved(placed, counted)
    passes = counted.forward_samples / placed.inferences
    charges = [
        *(charge.times(passes) for charge in charge_inference(placed, ())),
        *charge_learning(counted.phases["backward"], chip, precision.weight),
        *charge_learning(counted.phases["update"], chip, precision.for_learning.weight),
        *charge_memory([one for phase in moved.values() for one in phase], chip),
        *(merged.charges if merged else ()),
    ]
    time_us, charges_static = _static(placed, counted, moved)
    dynamic = [charge for charge in charges if charge.part != "static"]
    static = [charge for charge in charges if charge.part == "static"] + charges_static
    bound_only = chip.static is not None and chip.static.time == "bits over bandwidth"
    learned = counted.backward + counted.update
    sent = learned.values_sent * precision.bits("activation")
    forward_bits = placed.message_bits / placed.inferences * counted.forward_samples
    return TrainingCost(
        energy_pJ=total_of([*dynamic, *static]),
        dynamic_pJ=total_of(dynamic) if chip.scope == "per-term" else None,
        static_pJ=total_of(static) if any(charge.energy_pJ for charge in static) else None,
        time_us=None if bound_only else _shared(time_us, merged, workers),
        unpriced=tuple(
            dict.fromkeys([*(one.term for one in [*dynamic, *static] if one.energy_pJ is None), *placed.work.uncounted])
        ),
        without_band=tuple(
            dict.fromkeys(one.term for one in [*dynamic, *static] if one.energy_pJ and not one.has_band)
        ),
        communication_bits=forward_bits + sent + (merged.bits if merged else 0.0),
        operations=counted,
        traffic=tuple(one for phase in moved.values() for one in phase),
    )


@dataclass(frozen=True)
class Merged:
    """The cost of summing the gradients of all workers; None if the link's card does not determine it."""

    bits: float
    charges: tuple[Charge, ...]
    time_us: Band | None


def _merged(counted: TrainingCounts, workers: Workers | None, chip: Chip) -> tuple[Merged | None, str]:
    """One ring all-reduce of all trained numbers at every update, or the reason why it is impossible."""
    if workers is None or workers.count == 1:
        return None, ""
    if not counted.updates:
        return None, f'the rule "{counted.rule}" has no updates per batch that workers could sum'
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
    """Workers compute in parallel, and then wait for the ring."""
    if merged is None or workers is None or time_us is None:
        return time_us
    return None if merged.time_us is None else time_us * (1 / workers.count) + merged.time_us


def _moved(placed: Placed, counted: TrainingCounts) -> dict[str, tuple[BitsMoved, ...]]:
    """Bits by phase, with one allocation for the whole training."""
    chip, stores = placed.chip, (*placed.operations.stores, *counted.stores)
    phases = {name: on_chip(chip, counts) for name, counts in counted.phases.items()}
    held = place_stores(stores, sum(phases.values(), LayerCounts()), placed.precision, chip.memory)
    return {name: traffic(stores, counts, placed.precision, chip.memory, held) for name, counts in phases.items()}


def _static(
    placed: Placed, counted: TrainingCounts, moved: dict[str, tuple[BitsMoved, ...]]
) -> tuple[Band | None, list[Charge]]:
    """The time of the training, as far as the card's times determine it, and static power over that time."""
    chip = placed.chip
    bits = {phase: sum(one.bits for one in stores) for phase, stores in moved.items()}
    passes = counted.forward_samples / placed.inferences
    forward = busy(placed, bits["forward"] / passes if passes else 0.0)
    learned = on_chip(chip, counted.phases["backward"] + counted.phases["update"])
    after = learning_us(placed, learned, bits["backward"] + bits["update"])
    known = [part for part in (forward and forward.us * counted.forward_samples, after) if part is not None]
    time_us = Band.total(known) if len(known) == 2 else None
    if "static" not in chip.must_price:
        return time_us, []
    if chip.static is None or forward is None:
        return time_us, [Charge("static", None, False)]
    energy = idle_energy_pJ(chip.static, Band.total(known), placed.mapping.chips, placed.setting.clock_MHz)
    charges = [Charge("static", *energy)]
    return time_us, charges if after is not None else [*charges, Charge("static while weights change", None, False)]
