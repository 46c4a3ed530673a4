"""What one epoch sends between workers, in exact integers."""

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
    errors: int = 0  #: real numbers that go backward
    signals: int = 0  #: real numbers that are broadcast to every worker
    merged: int = 0  #: weight changes, partly summed or whole, that go round the ring
    busiest_bytes: int = 0  #: through the busiest worker's port in one direction, one transfer after another
    waits: int = 0  #: messages that wait for one another, if a worker sends to one other at a time
    waits_overlapped: int = 0  #: the same if it sends to all others at once

    @property
    def total_bytes(self) -> int:
        return self.spikes * SPIKE_BYTES + self.values * WORD_BYTES

    @property
    def values(self) -> int:
        """Real numbers of every kind."""
        return self.forward_values + self.errors + self.signals + self.merged
