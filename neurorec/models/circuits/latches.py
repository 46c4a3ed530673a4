"""Memory from NOR gates: latches, flip-flops, registers, a counter.

Gates start at 0, so that a latch starts in its forbidden state and alternates until it is set or reset: give it a reset first.
The clock must rest in each phase until all gates have settled.
"""

from collections.abc import Sequence

from neurorec.models.circuits.gates import increment, invert
from neurorec.models.circuits.netlist import Bus, Circuit


def latch(c: Circuit, setting: int, *resetting: int) -> tuple[int, int]:
    """SR latch: q and its complement, from two gates that inhibit each other."""
    q = c.wire()
    complement = c.nor(setting, q)
    return c.connect(q, complement, *resetting), complement


def flip_flop(c: Circuit, d: int, clock: int, not_clock: int, clear: int) -> int:
    """Takes over d when the clock rises; `clear` makes it 0 while the clock is 0."""
    return _on_rise(c, d, invert(c, d), clock, not_clock, clear)


def _on_rise(c: Circuit, d: int, not_d: int, clock: int, not_clock: int, clear: int) -> int:
    """A latch that follows d while the clock is 0, and one that follows it while the clock is 1. The second hears the clock one
    step after the first, and so never follows a changing one."""
    first, complement = latch(c, c.nor(not_d, clock), c.nor(d, clock))
    return latch(c, c.nor(complement, not_clock), c.nor(first, not_clock), clear)[0]


class Register:
    """Flip-flops with a common clock; `feed` connects what they take over."""

    def __init__(self, c: Circuit, width: int, clock: int, not_clock: int, clear: int) -> None:
        self._circuit, self._not_d = c, [c.wire() for _ in range(width)]
        self.q: Bus = tuple(_on_rise(c, invert(c, one), one, clock, not_clock, clear) for one in self._not_d)

    def feed(self, bus: Sequence[int]) -> None:
        for not_d, bit in zip(self._not_d, bus, strict=True):
            self._circuit.connect(not_d, bit)


def count_up(c: Circuit, width: int, clock: int, clear: int) -> Bus:
    """A number that rises by 1 with the clock, modulo 2^width."""
    register = Register(c, width, clock, invert(c, clock), clear)
    register.feed(increment(c, register.q))
    return register.q
