"""The cost of a workload on a chip: energy with a band, latency, missing prices; and of its training, if any."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from neurorec.basics.errors import CannotRun
from neurorec.basics.quantities import plural, quantity
from neurorec.engines.activity import Activity
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.mapping import place_work
from neurorec.hardware.pricing.bill import Breakdown, Cost, TrainingCost
from neurorec.hardware.pricing.charges import Charge, Part, charge_inference, total_of
from neurorec.hardware.pricing.latency import Busy, busy
from neurorec.hardware.pricing.memory import traffic
from neurorec.hardware.pricing.placed import Placed
from neurorec.hardware.pricing.power import idle_energy_pJ, idle_power_mW
from neurorec.hardware.pricing.price_law import price_by_law
from neurorec.hardware.pricing.training_cost import price_training
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.setting import Setting
from neurorec.hardware.workload.trained import trained_work
from neurorec.hardware.workload.workload import TrainingRun, Workload
from neurorec.models.energy.model import EnergyModel
from neurorec.models.network import Network


def estimate_cost(
    model: Network | EnergyModel, activity: Activity, chip: Chip | str | Path, *, training: TrainingRun | None = None,
    setting: Setting | None = None,
) -> Cost:  # fmt: skip
    """The cost of one inference of `model` on `chip`, given the activity on the whole test set."""
    return price(trained_work(model, activity, training, setting), chip)


def price(work: Workload, chip: Chip | str | Path) -> Cost:
    """Energy and latency of one inference on `chip`, and of the whole training if the workload has one."""
    name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
    chip = load_chip(chip) if isinstance(chip, str | Path) else chip
    reason = why_not(work, chip)
    if reason is not None:
        return refused(name, chip, reason)
    try:
        mapping = place_work(work, chip)
    except CannotRun as error:
        return refused(name, chip, str(error))
    return price_placed(name, Placed(work, count_work(work), mapping, chip))


def price_placed(name: str, placed: Placed) -> Cost:
    """`price` with a given placement."""
    work, chip = placed.work, placed.chip
    cost = _price_terms(name, placed) if chip.law is None else price_by_law(name, placed, chip.law)
    if work.training is None or not cost.can_run:
        return cost
    reason = chip.refusal(work.training.needs)
    if reason is not None:
        return replace(cost, training=TrainingCost(None, reason))
    try:
        counted = work.training.count(placed.operations.forward(), work.training.run)
    except CannotRun as error:
        return replace(cost, training=TrainingCost(None, str(error)))
    return replace(cost, training=price_training(placed, counted))


def refused(name: str, chip: Chip, reason: str) -> Cost:
    """A cost without numbers, but with published figures of the chip."""
    return Cost(name, chip.scope, False, reason, published=tuple(str(figure) for figure in chip.published))


def why_not(work: Workload, chip: Chip) -> str | None:
    """Why the chip cannot run the workload, or cannot price it with its setting."""
    hidden = [p for p in work.populations if not p.is_readout]
    for p in work.populations:
        reason = chip.refusal(p.needs)
        if reason is not None:  # name the layer if others could run
            some_run = len(hidden) > 1 and any(chip.refusal(other.needs) is None for other in hidden)
            return f'layer "{p.name}": {reason}' if some_run else reason
    arriving = "values" if work.input_spikes is None else "spikes"
    if work.input_size and arriving not in chip.signals:
        taken = " and ".join(chip.signals)
        return f"its input lines carry {arriving}, but the chip takes {taken}; choose a suitable encoder"
    if work.samples < 1:
        return "no sample was observed; run the network on the test set first"
    setting = work.setting
    if setting.precision is not None and (reason := chip.why_not_precision(setting.precision.weight)):
        return reason
    if chip.law is None and setting.batch > 1:
        return f"its card has no batch term, so a batch of {setting.batch} has no price; use --batch 1"
    if chip.law is None and setting.clock_MHz is not None and (chip.static is None or chip.static.clock is None):
        return "its card states no power per MHz, so clock_MHz cannot be changed; omit it"
    return None


def _price_terms(name: str, placed: Placed) -> Cost:
    """Charges term by term, with the card's prices."""
    chip, operations, mapping = placed.chip, placed.operations, placed.mapping
    moved = traffic(operations.stores, placed.layers, placed.precision, chip.memory)
    found = busy(placed, sum(one.bits for one in moved))
    bound_only = chip.static is not None and chip.static.time == "bits over bandwidth"
    charges = [charge.times(1 / placed.inferences) for charge in charge_inference(placed, moved)]
    charges += _static_charge(placed, found)
    per_term = chip.scope == "per-term"
    return Cost(
        chip=name,
        scope=chip.scope,
        can_run=True,
        energy_pJ=total_of(charges),
        breakdown=_break_down(charges) if per_term else None,
        dynamic_pJ=total_of(charge for charge in charges if charge.part != "static") if per_term else None,
        latency_us=None if bound_only or found is None else found.us,
        bottleneck=found.bottleneck if found else "",
        unpriced=_named([*(charge.term for charge in charges if charge.energy_pJ is None), *placed.work.uncounted]),
        without_band=_named(charge.term for charge in charges if charge.energy_pJ and not charge.has_band),
        communication_bits=placed.message_bits / placed.inferences,
        static_basis=_static_basis(placed, found),
        operations=operations,
        mapping=mapping,
        traffic=moved,
        precision=placed.precision.name,
        notes=placed.work.notes,
        published=tuple(str(figure) for figure in chip.published),
    )


def _named(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))


def _break_down(charges: list[Charge]) -> Breakdown:
    def part(name: Part) -> Band | None:
        priced = [charge for charge in charges if charge.part == name and charge.energy_pJ is not None]
        return total_of(priced) if priced else None

    return Breakdown(part("compute"), part("memory"), part("communication"), part("static"))


def _static_charge(placed: Placed, found: Busy | None) -> list[Charge]:
    """Static (and clock) power of all whole chips in use, over one inference."""
    static = placed.chip.static
    if "static" not in placed.chip.must_price:
        return []
    if static is None or found is None:
        return [Charge("static", None, False)]
    return [Charge("static", *idle_energy_pJ(static, found.us, placed.mapping.chips, placed.setting.clock_MHz))]


def _static_basis(placed: Placed, found: Busy | None) -> str:
    chip, mapping, static = placed.chip, placed.mapping, placed.chip.static
    if static is None or found is None:
        return "the whole device, as metered" if chip.scope == "all-in" else "not priced"
    whole = "the whole chip" if mapping.chips == 1 else f"each of {mapping.chips} whole chips"
    cores = (mapping.cores_on_chip or 0) * mapping.chips
    used = f", of which the network uses {len(mapping.cores)} of {plural(cores, 'core')}" if cores > 1 else ""
    power_mW = idle_power_mW(static, placed.setting.clock_MHz).value
    return f"{static.time}, {quantity(power_mW * 1e-3, 'W')} of {whole}{used}"
