"""Energy and time of counted traffic over a link.

Energy: bits x pJ per bit. Time according to Hockney's model (hockney1994), in which a message takes alpha + bits / bandwidth:
here waits x alpha + bits through the busiest worker / bandwidth. For one ring all-reduce of n bytes this is 2 (P-1) alpha +
2 (P-1)/P n / bandwidth. For the low end of a time a worker can send to all others at once, and the favourable end of each
band is used; for the high end the unfavourable one.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.link import Link
from neurorec.hardware.communication.link_traffic import LinkTraffic


@dataclass(frozen=True)
class LinkCost:
    """Cost of traffic over one link; None if the link cannot join the workers or no source gives the number."""

    energy_pJ: Band | None
    energy_at_least: bool  #: priced for one hop or one mm, while the path may be longer
    time_s: Band | None
    time_at_least: bool  #: latency or bandwidth is not known
    why_not: str = ""


def price_traffic(traffic: LinkTraffic, link: Link, workers: int) -> LinkCost:
    """Energy and time of one epoch's traffic between `workers` workers."""
    reason = link.why_not(workers)
    if reason is not None:
        return LinkCost(None, False, None, False, reason)
    if workers == 1:
        return LinkCost(Band.exact(0.0), False, Band.exact(0.0), False)
    energy = None if link.energy is None else link.energy.as_band() * (8 * traffic.total_bytes)
    parts = [part for part in (_latency_s(traffic, link), _transfer_s(traffic, link)) if part is not None]
    return LinkCost(
        energy_pJ=energy,
        energy_at_least=link.priced_per != "transfer",
        time_s=Band.total(parts) if parts else None,
        time_at_least=len(parts) < 2,
    )


def _latency_s(traffic: LinkTraffic, link: Link) -> Band | None:
    if link.latency is None:
        return None
    alpha = link.latency.as_band() * 1e-9
    return Band(alpha.value * traffic.waits, alpha.low * traffic.waits_overlapped, alpha.high * traffic.waits)


def _transfer_s(traffic: LinkTraffic, link: Link) -> Band | None:
    if link.bandwidth is None:
        return None
    Gbit, speed = 8e-9 * traffic.busiest_bytes, link.bandwidth.as_band()
    return Band(Gbit / speed.value, Gbit / speed.high, Gbit / speed.low)
