"""Power that does not depend on activity."""

from __future__ import annotations

from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.terms import Static

PJ_PER_MW_US = 1e3  #: 1 mW for 1 us is 1 nJ


def idle_power_mW(static: Static, clock_MHz: float | None = None) -> Band:
    """Static power, including that of the clock if the card has one (at the card's clock, or at `clock_MHz`)."""
    power = static.power.as_band()
    if static.clock is not None:
        power += static.clock.as_band() * (static.clock.clock_MHz if clock_MHz is None else clock_MHz)
    return power


def idle_energy_pJ(static: Static, us: Band, chips: int, clock_MHz: float | None) -> tuple[Band, bool]:
    """Energy of static (and clock) power of all whole chips in use over a time; and whether every number has a band."""
    powers = [power for power in (static.power, static.clock) if power is not None]
    energy = idle_power_mW(static, clock_MHz) * us * (PJ_PER_MW_US * chips)
    return energy, all(power.has_band for power in powers)
