"""Prices: counts times what the card says one event costs. Nothing is counted or placed here.

E = sum over the terms that the card must price of count x pJ, plus static power x time. A term with events but no price
is left out and listed, which makes the total "at least". Totals are over all samples of the operations.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Literal

from neurorec.hardware.band import Band
from neurorec.hardware.chip import Chip
from neurorec.hardware.evidence import AccessEnergy
from neurorec.hardware.mapping import Mapping
from neurorec.hardware.operations import WORD_BITS, Counts, Operations

Part = Literal["compute", "memory", "communication", "static"]
PARTS: Table[str, Part] = {
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
        ),
        "communication",
    ),
    "chip_to_chip": "communication",
    **dict.fromkeys(("small_net_overhead", "launch_overhead", "management", "board", "static"), "static"),
}  #: every other term is compute


@dataclass(frozen=True)
class Charge:
    """What one term costs; energy_pJ is None where the card has no price for it."""

    term: str
    energy_pJ: Band | None
    has_band: bool

    @property
    def part(self) -> Part:
        return PARTS.get(self.term, "compute")


def charge_inference(operations: Operations, mapping: Mapping, chip: Chip) -> list[Charge]:
    """One charge for each term but static that the card must price and the run has events of."""
    terms = {
        **_work(_on(chip, operations.total), chip, operations.stored_bytes),
        **_neurons(operations, chip),
        "packet": mapping.packets,
        "spike_within_tile": mapping.within_tile,
        "hop_east_west": mapping.hops_east_west,
        "hop_north_south": mapping.hops_north_south,
        "wire": operations.cell.spikes + operations.cell.values_sent,
        "input_injection": operations.input_spikes,
        "chip_to_chip": mapping.packets_off_chip,
        "barrier": operations.samples * operations.steps,
        **dict.fromkeys(("management", "board", "launch_overhead"), operations.samples),
        "small_net_overhead": operations.samples if _below_measured(operations, chip) else 0,
    }
    must_price = [*chip.must_price, *(["chip_to_chip"] if mapping.packets_off_chip else [])]
    return _charge(terms, must_price, chip, operations.stored_bytes)


def charge_learning(extra: Counts, stored_bytes: int, chip: Chip) -> list[Charge]:
    """Charges of what training does beyond its forward passes."""
    terms = {
        **_work(_on(chip, extra), chip, stored_bytes),
        "plasticity_update": extra.plasticity_updates,
        "trace_update": extra.plasticity_updates,
    }
    return _charge(terms, [*chip.must_price, *chip.must_price_training], chip, stored_bytes)


def idle_power_mW(chip: Chip, clock_MHz: float | None = None) -> Band:
    """Static power, with the power of the clock where the card has one (at the card's clock, or at `clock_MHz`)."""
    assert chip.static is not None
    power = chip.static.power.as_band()
    if chip.static.clock is not None:
        power += chip.static.clock.as_band() * (chip.static.clock.clock_MHz if clock_MHz is None else clock_MHz)
    return power


def power_mW(chip: Chip, events_per_s: float = 0.0, clock_MHz: float | None = None) -> Band:
    """Total power of a chip whose law is static power, clock power and a price a synaptic event (all-in cards)."""
    power = idle_power_mW(chip, clock_MHz)
    if chip.energy.synaptic_event is not None:
        power += chip.energy.synaptic_event.as_band() * (events_per_s * 1e-9)  # pJ/s is 1e-9 mW
    return power


def message_bits(operations: Operations, mapping: Mapping, chip: Chip) -> float:
    packet_bits = (chip.network.packet_bits if chip.network else None) or WORD_BITS
    return mapping.packets * packet_bits + (operations.input_values + operations.cell.values_sent) * WORD_BITS


def memory_level(chip: Chip, stored_bytes: int) -> AccessEnergy | None:
    """The first memory that holds the net."""
    fits = (level for level in chip.memory if level.size_bytes is None or level.size_bytes >= stored_bytes)
    return next(fits, None)


def _on(chip: Chip, counts: Counts) -> Counts:
    return counts if chip.counts_spikes else counts.as_dense()


def _work(counts: Counts, chip: Chip, stored_bytes: int) -> dict[str, float]:
    level = memory_level(chip, stored_bytes)
    return {
        "synaptic_event": counts.synaptic_events,
        "mac": counts.macs,
        "elementwise": counts.elementwise,
        "nonlinearity": counts.nonlinearities,
        "memory_access": counts.memory_accesses * WORD_BITS / (level.access_bits if level else WORD_BITS),
    }


def _neurons(operations: Operations, chip: Chip) -> dict[str, float]:
    """A readout unit is a neuron of the chip too: updated every step, never active; so is a neuron's further unit."""
    updates = operations.cell.neuron_updates * chip.units_of(operations.cell_name)
    updates += operations.readout.values_sent
    active = operations.cell.active_neuron_updates
    return {
        "neuron_update": updates,
        "neuron_update_active": active,
        "neuron_update_inactive": updates - active,
    }


def _below_measured(operations: Operations, chip: Chip) -> bool:
    macs = _on(chip, operations.total).macs
    return chip.measured_macs is not None and macs < chip.measured_macs[0] * operations.samples


def _charge(terms: dict[str, float], must_price: list[str], chip: Chip, stored_bytes: int) -> list[Charge]:
    prices = {**chip.energy.stated(), "memory_access": memory_level(chip, stored_bytes)}
    charges = []
    for term in must_price:
        count, price = terms.get(term, 0), prices.get(term)
        if price is not None:
            charges.append(Charge(term, price.as_band() * count, price.has_band))
        elif count:
            charges.append(Charge(term, None, False))
    return charges
