"""Charges: counts times the card's prices per event. Counting and placement happen elsewhere.

E = sum over the terms that the card must price of count x pJ, plus static power x time. Memory is charged per bit
moved, at the memory that holds it. A term with events but no price is omitted and listed, which makes the total "at
least". Totals are over all samples of the operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from neurorec.basics.counts import Counts, LayerCounts
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.chips.evidence import Energy
from neurorec.hardware.pricing.memory import BitsMoved
from neurorec.hardware.pricing.placed import Placed, on_chip

Part = Literal["compute", "memory", "communication", "static"]
PARTS: Mapping[str, Part] = {
    "memory_access": "memory",
    **dict.fromkeys(
        (
            "packet",
            "spike_within_tile",
            "hop_east_west",
            "hop_north_south",
            "wire",
            "input_injection",
            "barrier",
            "chip_to_chip",
            "link",
        ),
        "communication",
    ),
    **dict.fromkeys(("small_net_overhead", "launch_overhead", "management", "board", "static"), "static"),
}  #: every other term is compute


@dataclass(frozen=True)
class Charge:
    """The charge of one term; energy_pJ is None if the card has no price for it."""

    term: str
    energy_pJ: Band | None
    has_band: bool

    @property
    def part(self) -> Part:
        return PARTS.get(self.term, "compute")

    def times(self, share: float) -> Charge:
        return Charge(self.term, None if self.energy_pJ is None else self.energy_pJ * share, self.has_band)


def charge_inference(placed: Placed, moved: Sequence[BitsMoved]) -> list[Charge]:
    """One charge per term, except static, that the card must price and for which the run has events."""
    operations, mapping, chip = placed.operations, placed.mapping, placed.chip
    terms = {
        **_arithmetic(placed.layers.total),
        **_neurons(placed),
        "packet": mapping.packets,
        "spike_within_tile": mapping.within_tile,
        "hop_east_west": mapping.hops_east_west,
        "hop_north_south": mapping.hops_north_south,
        "wire": operations.total.spikes + placed.values_on_the_way,
        "input_injection": operations.input_spikes,
        "chip_to_chip": mapping.packets_off_chip,
        **dict.fromkeys(("barrier", "management"), operations.sample_steps),
        **dict.fromkeys(("board", "launch_overhead"), operations.samples),
        "small_net_overhead": operations.samples if _below_measured(placed) else 0,
    }
    must_price = [*chip.must_price, *(["chip_to_chip"] if mapping.packets_off_chip else [])]
    return _charge(terms, must_price, chip.energies(placed.precision.weight)) + charge_memory(moved, chip)


def charge_learning(learned: LayerCounts, chip: Chip, dtype: str) -> list[Charge]:
    """Charges, without memory, of training beyond its forward passes, with arithmetic in `dtype`."""
    counts = on_chip(chip, learned).total
    terms = {
        **_arithmetic(counts),
        "plasticity_update": counts.plasticity_updates,
        "trace_update": counts.trace_updates,
        "weight_scaling": counts.weights_scaled,
    }
    return _charge(terms, [*chip.must_price, *chip.must_price_training], chip.energies(dtype))


def total_of(charges: Iterable[Charge]) -> Band:
    return Band.total(charge.energy_pJ for charge in charges if charge.energy_pJ is not None)


def _arithmetic(counts: Counts) -> dict[str, float]:
    return {
        "synaptic_event": counts.synaptic_events,
        "mac": counts.macs,
        "elementwise": counts.elementwise,
        "nonlinearity": counts.nonlinearities,
    }


def _neurons(placed: Placed) -> dict[str, float]:
    """Readout units are neurons of the chip too: updated in every step, never active; so are additional units per neuron."""
    updates = sum(
        counts.values_sent if p.is_readout else counts.neuron_updates * placed.chip.units_of(p.needs)
        for p, counts in placed.populations()
    )
    active = placed.operations.total.active_neuron_updates
    return {
        "neuron_update": updates,
        "neuron_update_active": active,
        "neuron_update_inactive": updates - active,
    }


def _below_measured(placed: Placed) -> bool:
    measured = placed.chip.measured_macs
    return measured is not None and placed.layers.total.macs < measured[0] * placed.inferences


def _charge(terms: dict[str, float], must_price: list[str], prices: dict[str, Energy]) -> list[Charge]:
    charges = []
    for term in must_price:
        count, price = terms.get(term, 0), prices.get(term)
        if price is not None:
            charges.append(Charge(term, price.as_band() * count, price.has_band))
        elif count:
            charges.append(Charge(term, None, False))
    return charges


def charge_memory(moved: Sequence[BitsMoved], chip: Chip) -> list[Charge]:
    """Bits divided by the width of an access, times its price; what fits in no memory of the card has no price."""
    if "memory_access" not in chip.must_price:
        return []
    levels = {level.name: level for level in chip.memory}
    used = [one for one in moved if one.bits]
    priced = [(one.bits, levels[one.level]) for one in used if one.level in levels]
    charges = []
    if priced:
        energy = Band.total(level.as_band() * (bits / level.access_bits) for bits, level in priced)
        charges.append(Charge("memory_access", energy, all(level.has_band for _, level in priced)))
    if len(priced) < len(used):
        charges.append(Charge("memory_access", None, False))
    return charges
