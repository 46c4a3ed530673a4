"""Traffic between workers in one epoch, as exact integers."""

from __future__ import annotations

from dataclasses import dataclass

from neurorec.hardware.chips.precision import FLOAT32

WORD_BYTES = FLOAT32.bits("weight") // 8
SPIKE_BYTES = 4  #: an address event: the 32-bit spike message of Loihi and packet of TrueNorth


@dataclass(frozen=True)
class LinkTraffic:
    """Messages summed over all workers that send them; a message to three workers counts three times."""

    spikes: int = 0
    forward_values: int = 0  #: outputs of units that send real numbers
    errors: int = 0  #: real numbers sent backward, or derivatives sent forward
    signals: int = 0  #: real numbers broadcast to every worker
    merged: int = 0  #: weight changes, or partial sums of them, sent round the ring
    busiest_bytes: int = 0  #: through the busiest worker's port in one direction, one transfer after another
    waits: int = 0  #: sequential messages, if a worker sends to one other at a time
    waits_overlapped: int = 0  #: sequential messages, if it sends to all others at once

    @property
    def total_bytes(self) -> int:
        return self.spikes * SPIKE_BYTES + self.values * WORD_BYTES

    @property
    def values(self) -> int:
        """Real numbers of all kinds."""
        return self.forward_values + self.errors + self.signals + self.merged
