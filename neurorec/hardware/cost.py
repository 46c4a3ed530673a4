"""What an inference, and as a first estimate a training, costs on a chip: energy with a band, latency, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from neurorec.basics.errors import CannotRun
from neurorec.engines.activity import Activity
from neurorec.hardware.band import Band
from neurorec.hardware.chip import Chip, load_chip
from neurorec.hardware.evidence import Scope
from neurorec.hardware.latency import busy_us
from neurorec.hardware.mapping import Mapping, place_in_order
from neurorec.hardware.operations import WORD_BITS, Operations, count_inference
from neurorec.hardware.price import Charge, Part, charge_inference, charge_learning, power_mW
from neurorec.hardware.training_operations import count_training
from neurorec.models.network import Network

PJ_PER_MW_US = 1e3  #: 1 mW for 1 us is 1 nJ


@dataclass(frozen=True)
class TrainingRun:
    """What a training did: see `count_training` for what one weight update is under each rule."""

    rule: str
    samples_seen: int
    weight_updates: int


@dataclass(frozen=True)
class Breakdown:
    """Where the energy of a per-term chip goes; a part without any priced term is None."""

    compute: Band | None
    memory: Band | None
    communication: Band | None
    static: Band | None


@dataclass(frozen=True)
class TrainingCost:
    """A whole training on the chip. Static power is charged over its forward passes only."""

    energy_pJ: Band | None
    why_not: str = ""
    unpriced: tuple[str, ...] = ()
    communication_bits: float | None = None

    @property
    def at_least(self) -> bool:
        return bool(self.unpriced)


@dataclass(frozen=True)
class Cost:
    """One inference of one sample. Where `can_run` is False, `why_not` says why and there are no numbers.

    `energy_pJ` of an all-in chip is one figure: `breakdown` and `dynamic_pJ` are None, and it must not stand in one
    column with per-term figures. Messages: a spike is one packet (one word where the card states no packet), a value
    one word.
    """

    chip: str
    scope: Scope
    can_run: bool
    why_not: str = ""
    energy_pJ: Band | None = None
    breakdown: Breakdown | None = None
    dynamic_pJ: Band | None = None
    latency_us: Band | None = None
    unpriced: tuple[str, ...] = ()
    without_band: tuple[str, ...] = ()  #: priced terms for which no source gives a band
    communication_bits: float | None = None
    static_basis: str = ""
    operations: Operations | None = None
    mapping: Mapping | None = None
    training: TrainingCost | None = None

    @property
    def at_least(self) -> bool:
        """Whether some term has no price, so that the true total is higher."""
        return bool(self.unpriced)


def estimate_cost(
    network: Network, activity: Activity, chip: Chip | str | Path, *, training: TrainingRun | None = None
) -> Cost:
    """Energy and latency per inference of `network` on `chip`, given what was observed on the whole test set."""
    name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
    chip = load_chip(chip) if isinstance(chip, str | Path) else chip
    reason = _why_not(network, activity, chip)
    if reason is not None:
        return Cost(name, chip.scope, False, reason)
    operations = count_inference(network, activity)
    mapping = place_in_order(network, activity, chip)
    busy = busy_us(network, operations, mapping, chip)
    bound_only = chip.static is not None and chip.static.time == "bits over bandwidth"
    inferences = operations.samples
    charges = [_each(charge, 1 / inferences) for charge in charge_inference(operations, mapping, chip)]
    charges += _static_charge(chip, busy)
    per_term = chip.scope == "per-term"
    cost = Cost(
        chip=name,
        scope=chip.scope,
        can_run=True,
        energy_pJ=_sum(charges),
        breakdown=_break_down(charges) if per_term else None,
        dynamic_pJ=_sum(charge for charge in charges if charge.part != "static") if per_term else None,
        latency_us=None if bound_only else busy,
        unpriced=tuple(charge.term for charge in charges if charge.energy_pJ is None),
        without_band=tuple(charge.term for charge in charges if charge.energy_pJ and not charge.has_band),
        communication_bits=_message_bits(operations, mapping, chip) / inferences,
        static_basis=_static_basis(chip, mapping, busy),
        operations=operations,
        mapping=mapping,
    )
    return cost if training is None else _with_training(cost, network, activity, chip, training)


def _why_not(network: Network, activity: Activity, chip: Chip) -> str | None:
    reason = chip.why_not_cell(network.cell.card.name)
    if reason is not None:
        return reason
    if network.input_signal not in chip.signals:
        taken = " and ".join(chip.signals)
        return f"its input lines carry {network.input_signal}, the chip takes {taken}; choose an encoder for that"
    if activity.samples < 1:
        return "no sample was observed; run the network on the test set first"
    try:
        place_in_order(network, activity, chip)
    except CannotRun as error:
        return str(error)
    return None


def _each(charge: Charge, share: float) -> Charge:
    return Charge(charge.term, None if charge.energy_pJ is None else charge.energy_pJ * share, charge.has_band)


def _sum(charges: Iterable[Charge]) -> Band:
    return Band.total(charge.energy_pJ for charge in charges if charge.energy_pJ is not None)


def _break_down(charges: list[Charge]) -> Breakdown:
    def part(name: Part) -> Band | None:
        priced = [charge for charge in charges if charge.part == name and charge.energy_pJ is not None]
        return _sum(priced) if priced else None

    return Breakdown(part("compute"), part("memory"), part("communication"), part("static"))


def _static_charge(chip: Chip, busy: Band | None) -> list[Charge]:
    """Static (and clock) power of the whole chip over one inference."""
    if "static" not in chip.must_price:
        return []
    if chip.static is None or busy is None:
        return [Charge("static", None, False)]
    powers = [power for power in (chip.static.power, chip.static.clock) if power is not None]
    return [Charge("static", power_mW(chip) * busy * PJ_PER_MW_US, all(power.has_band for power in powers))]


def _static_basis(chip: Chip, mapping: Mapping, busy: Band | None) -> str:
    if chip.static is None or busy is None:
        return "all of the device, as metered" if chip.scope == "all-in" else "not priced"
    used = f", of which the net uses {len(mapping.cores)} of {mapping.cores_on_chip} cores"
    return f"{chip.static.time}, {power_mW(chip).value:.4g} mW of the whole chip{used if mapping.cores_on_chip else ''}"


def _message_bits(operations: Operations, mapping: Mapping, chip: Chip) -> float:
    packet_bits = (chip.network.packet_bits if chip.network else None) or WORD_BITS
    return mapping.packets * packet_bits + (operations.input_values + operations.cell.values_sent) * WORD_BITS


def _with_training(cost: Cost, network: Network, activity: Activity, chip: Chip, training: TrainingRun) -> Cost:
    assert cost.energy_pJ is not None
    assert cost.operations is not None
    assert cost.communication_bits is not None
    reason = chip.why_not_rule(training.rule)
    if reason is not None:
        return replace(cost, training=TrainingCost(None, reason))
    counted = count_training(network, activity, training.rule, int(training.samples_seen), int(training.weight_updates))
    learning = charge_learning(counted.backward + counted.update, cost.operations.stored_bytes, chip)
    unpriced = [*cost.unpriced, *(charge.term for charge in learning if charge.energy_pJ is None)]
    if "static" in chip.must_price and "static" not in unpriced:
        unpriced.append("static while weights change")
    trained = TrainingCost(
        energy_pJ=cost.energy_pJ * counted.samples_seen + _sum(learning),
        unpriced=tuple(dict.fromkeys(unpriced)),
        communication_bits=cost.communication_bits * counted.samples_seen + counted.backward.values_sent * WORD_BITS,
    )
    return replace(cost, training=trained)
