"""Pricing on a board calibrated from metered points, by the law of its card; dynamic and total are separate."""

from __future__ import annotations

from neurorec.basics.quantities import duration, quantity
from neurorec.hardware.chips.batch_law import BatchLaw
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.placed import Placed
from neurorec.hardware.pricing.power import PJ_PER_MW_US


def price_by_law(name: str, placed: Placed, law: BatchLaw) -> Cost:
    """One inference of a batch. Every step of the network is one pass; the metered networks make one pass."""
    chip, operations, setting = placed.chip, placed.operations, placed.setting
    reason = law.why_not(setting.batch)
    if setting.clock_MHz is not None:
        reason = "it was metered at only one clock, so clock_MHz cannot be changed; omit it"
    if reason is not None:
        return Cost(name, chip.scope, False, reason)
    counts = placed.layers.total
    macs = (counts.macs + counts.synaptic_events) / operations.samples
    time_us = law.time.us(macs, setting.batch, operations.steps)
    if setting.waits and operations.dt_ms is not None:
        time_us = max(time_us, operations.steps * operations.dt_ms * 1e3)
    energy = law.energy.pJ(macs, setting.batch, operations.steps)
    idle_mW = chip.static.power.mW if chip.static is not None else 0.0
    idle = idle_mW * time_us * PJ_PER_MW_US
    counted = {"elementwise": counts.elementwise, "nonlinearity": counts.nonlinearities}
    outside = law.outside(macs, setting.batch)
    stepped = f"{operations.steps} passes per inference; the metered networks make one" if operations.steps > 1 else ""
    return Cost(
        chip=name,
        scope=chip.scope,
        can_run=True,
        energy_pJ=law.banded(energy + idle),
        dynamic_pJ=law.banded(energy) if law.energy_is == "dynamic" else None,
        latency_us=law.banded(time_us),
        bottleneck="the metered board",
        unpriced=(*(term for term in chip.must_price if counted.get(term)), *placed.work.uncounted),
        communication_bits=placed.message_bits / operations.samples,
        static_basis=f"{quantity(idle_mW * 1e-3, 'W')} of idle power over {duration(time_us * 1e-6)}"
        if idle
        else "included in the metered energy",
        operations=operations,
        mapping=placed.mapping,
        batch=setting.batch,
        notes=(*(note for note in (outside, stepped) if note), *placed.work.notes),
        published=tuple(str(figure) for figure in chip.published),
    )
