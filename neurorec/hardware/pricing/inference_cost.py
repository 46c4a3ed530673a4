"""What an inference and a training cost on a chip: energy with a band, latency, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from neurorec.basics.errors import CannotRun
from neurorec.engines.activity import Activity
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.mapping import Mapping, place_network
from neurorec.hardware.pricing.bill import Breakdown, Cost, Setting, TrainingCost, TrainingRun
from neurorec.hardware.pricing.charges import (
    Charge,
    Part,
    charge_inference,
    idle_power_mW,
    message_bits,
    on_chip,
    precision_of,
    total_of,
)
from neurorec.hardware.pricing.latency import busy
from neurorec.hardware.pricing.memory import traffic
from neurorec.hardware.pricing.price_law import PJ_PER_MW_US, price_by_law
from neurorec.hardware.pricing.training_cost import price_training
from neurorec.hardware.training_operations import count_training
from neurorec.hardware.workload.operations import Operations, count_inference
from neurorec.models.network import Network

__all__ = ["Breakdown", "Cost", "Setting", "TrainingCost", "TrainingRun", "estimate_cost", "price_counted"]


def estimate_cost(
    network: Network,
    activity: Activity,
    chip: Chip | str | Path,
    *,
    training: TrainingRun | None = None,
    batch: int = 1,
    setting: Setting | None = None,
) -> Cost:
    """Energy and latency per inference of `network` on `chip`, given what was observed on the whole test set.

    `setting` says more than `batch` can: precision, clock, real time, length of a step, how neurons are placed.
    """
    setting = Setting(batch=batch) if setting is None else setting
    name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
    chip = load_chip(chip) if isinstance(chip, str | Path) else chip
    reason = _why_not(network, activity, chip)
    if reason is not None:
        return refused(name, chip, reason)
    try:
        mapping = place_network(network, activity, chip, setting.partitioned, setting.annealed)
    except CannotRun as error:
        return refused(name, chip, str(error))
    operations = count_inference(network, activity)
    if setting.dt_ms is not None:
        operations = replace(operations, dt_ms=setting.dt_ms)
    cost = price_counted(name, chip, operations, mapping, setting)
    if training is None or not cost.can_run:
        return cost
    reason = chip.why_not_rule(training.rule)
    if reason is not None:
        return replace(cost, training=TrainingCost(None, reason))
    counted = count_training(network, activity, training.rule, int(training.samples_seen), int(training.weight_updates))
    return replace(cost, training=price_training(cost, counted, chip, setting))


def refused(name: str, chip: Chip, reason: str) -> Cost:
    """A cost without numbers, with what is published about the chip beside."""
    return Cost(name, chip.scope, False, reason, published=tuple(str(figure) for figure in chip.published))


def price_counted(name: str, chip: Chip, operations: Operations, mapping: Mapping, setting: Setting) -> Cost:
    """Price counts that a run or a description gave."""
    reason = None if setting.precision is None else chip.why_not_precision(setting.precision.weight)
    if reason is not None:
        return refused(name, chip, reason)
    if chip.law is not None:
        return price_by_law(name, chip, chip.law, operations, mapping, setting)
    if setting.batch > 1:
        reason = f"its card has no batch term, so a batch of {setting.batch} costs what was not metered; use --batch 1"
        return refused(name, chip, reason)
    if setting.clock_MHz is not None and (chip.static is None or chip.static.clock is None):
        return refused(name, chip, "its card states no power per MHz, so clock_MHz cannot be changed; leave it out")
    inferences, precision = operations.samples, precision_of(chip, setting.precision)
    moved = traffic(operations.stores, on_chip(chip, operations.layers), precision, chip.memory)
    found = busy(operations, mapping, chip, setting, sum(one.bits for one in moved))
    time_us = found.us if found else None
    bound_only = chip.static is not None and chip.static.time == "bits over bandwidth"
    charges = [charge.times(1 / inferences) for charge in charge_inference(operations, mapping, chip, moved, precision)]
    charges += _static_charge(chip, time_us, mapping.chips, setting.clock_MHz)
    per_term = chip.scope == "per-term"
    return Cost(
        chip=name,
        scope=chip.scope,
        can_run=True,
        energy_pJ=total_of(charges),
        breakdown=_break_down(charges) if per_term else None,
        dynamic_pJ=total_of(charge for charge in charges if charge.part != "static") if per_term else None,
        latency_us=None if bound_only else time_us,
        bottleneck=found.bottleneck if found else "",
        unpriced=_named(charge.term for charge in charges if charge.energy_pJ is None),
        without_band=_named(charge.term for charge in charges if charge.energy_pJ and not charge.has_band),
        communication_bits=message_bits(operations, mapping, chip, precision) / inferences,
        static_basis=_static_basis(chip, mapping, time_us, setting.clock_MHz),
        operations=operations,
        mapping=mapping,
        traffic=moved,
        precision=precision.name,
        published=tuple(str(figure) for figure in chip.published),
    )


def _why_not(network: Network, activity: Activity, chip: Chip) -> str | None:
    reason = chip.why_not_cell(network.cell.card.name)
    if reason is not None:
        return reason
    if network.input_signal not in chip.signals:
        taken = " and ".join(chip.signals)
        return f"its input lines carry {network.input_signal}, the chip takes {taken}; choose an encoder for that"
    if activity.samples < 1:
        return "no sample was observed; run the network on the test set first"
    return None


def _named(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def _break_down(charges: list[Charge]) -> Breakdown:
    def part(name: Part) -> Band | None:
        priced = [charge for charge in charges if charge.part == name and charge.energy_pJ is not None]
        return total_of(priced) if priced else None

    return Breakdown(part("compute"), part("memory"), part("communication"), part("static"))


def _static_charge(chip: Chip, busy_us: Band | None, chips: int, clock_MHz: float | None) -> list[Charge]:
    """Static (and clock) power of every chip used, whole, over one inference."""
    if "static" not in chip.must_price:
        return []
    if chip.static is None or busy_us is None:
        return [Charge("static", None, False)]
    powers = [power for power in (chip.static.power, chip.static.clock) if power is not None]
    energy = idle_power_mW(chip, clock_MHz) * busy_us * (PJ_PER_MW_US * chips)
    return [Charge("static", energy, all(power.has_band for power in powers))]


def _static_basis(chip: Chip, mapping: Mapping, busy_us: Band | None, clock_MHz: float | None) -> str:
    if chip.static is None or busy_us is None:
        return "all of the device, as metered" if chip.scope == "all-in" else "not priced"
    whole = "the whole chip" if mapping.chips == 1 else f"each of {mapping.chips} whole chips"
    cores = (mapping.cores_on_chip or 0) * mapping.chips
    used = f", of which the net uses {len(mapping.cores)} of {cores} cores"
    return f"{chip.static.time}, {idle_power_mW(chip, clock_MHz).value:.4g} mW of {whole}{used if cores else ''}"
