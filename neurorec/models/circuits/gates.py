"""Logic and arithmetic from NOR gates. Buses are tuples of wires, lowest bit first."""

from collections.abc import Iterable, Sequence

from neurorec.models.circuits.netlist import Bus, Circuit

WIDEST = 4
"""Inputs of a gate; wider gates become trees, because a neuron must recover from all its inhibitory spikes within a step."""


def invert(c: Circuit, a: int) -> int:
    return c.nor(a)


def any_of(c: Circuit, wires: Iterable[int]) -> int:
    """OR of any number of wires."""
    wires = list(wires)
    while len(wires) > 1:
        groups = [wires[k : k + WIDEST] for k in range(0, len(wires), WIDEST)]
        wires = [invert(c, c.nor(*group)) if len(group) > 1 else group[0] for group in groups]
    return wires[0] if wires else never(c)


def both(c: Circuit, a: int, b: int) -> int:
    """AND."""
    return c.nor(invert(c, a), invert(c, b))


def either(c: Circuit, a: int, b: int) -> int:
    """OR."""
    return invert(c, c.nor(a, b))


def differ(c: Circuit, a: int, b: int) -> int:
    """XOR: neither both nor none."""
    return c.nor(c.nor(a, b), both(c, a, b))


def never(c: Circuit) -> int:
    return invert(c, c.nor())


def half_adder(c: Circuit, a: int, b: int) -> tuple[int, int]:
    """Sum and carry."""
    carry = both(c, a, b)
    return c.nor(c.nor(a, b), carry), carry


def full_adder(c: Circuit, a: int, b: int, carry: int) -> tuple[int, int]:
    partial, first = half_adder(c, a, b)
    total, second = half_adder(c, partial, carry)
    return total, either(c, first, second)


def add(c: Circuit, a: Sequence[int], b: Sequence[int]) -> tuple[Bus, int]:
    """a + b as a bus, and the carry: each bit waits for the carry of the bit below."""
    sums, carry = [], None
    for one, two in zip(a, b, strict=True):
        total, carry = half_adder(c, one, two) if carry is None else full_adder(c, one, two, carry)
        sums.append(total)
    return tuple(sums), carry if carry is not None else never(c)


def increment(c: Circuit, a: Sequence[int]) -> Bus:
    """a + 1."""
    sums, carry = [invert(c, a[0])], a[0]
    for bit in a[1:]:
        total, carry = half_adder(c, bit, carry)
        sums.append(total)
    return tuple(sums)


def select(c: Circuit, *choices: tuple[int, Sequence[int]]) -> Bus:
    """The bus whose condition holds; of (condition, bus) pairs, exactly one must."""
    buses = zip(*(bus for _, bus in choices), strict=True)
    return tuple(
        any_of(c, [both(c, when, bit) for (when, _), bit in zip(choices, bits, strict=True)]) for bits in buses
    )


def one_hot(c: Circuit, address: Sequence[int]) -> Bus:
    """2^n wires, of which the one with the number `address` is 1."""
    inverted = [invert(c, bit) for bit in address]
    return tuple(
        c.nor(*(no if number >> k & 1 else bit for k, (bit, no) in enumerate(zip(address, inverted, strict=True))))
        for number in range(2 ** len(address))
    )
