"""A small computer of NOR gates: an 8-bit accumulator machine with its program in the gates, one instruction per clock.

Registers: accumulator A, second register B, carry, output, and a program counter of 4 bits.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.models.circuits.gates import add, any_of, both, either, increment, invert, one_hot, select
from neurorec.models.circuits.latches import Register
from neurorec.models.circuits.netlist import Bus, Circuit, Netlist

WORD, ADDRESS = 8, 4  #: bits


class Registers(NamedTuple):
    pc: int = 0
    a: int = 0
    b: int = 0
    carry: int = 0
    out: int = 0


Meaning = Callable[[Registers, int], Registers]
#: what each instruction does besides advancing the program counter; n is its operand
INSTRUCTIONS: dict[str, Meaning] = {
    "load": lambda r, n: r._replace(a=n),
    "add": lambda r, n: r._replace(a=(r.a + n) % 256, carry=(r.a + n) // 256),
    "addb": lambda r, n: r._replace(a=(r.a + r.b) % 256, carry=(r.a + r.b) // 256),
    "store": lambda r, n: r._replace(b=r.a),
    "swap": lambda r, n: r._replace(a=r.b, b=r.a),
    "out": lambda r, n: r._replace(out=r.a),
    "jump": lambda r, n: r._replace(pc=n),
    "jump_unless_carry": lambda r, n: r if r.carry else r._replace(pc=n),
}
Program = Sequence[tuple[str, int]]
FIBONACCI: Program = (
    ("load", 1), ("store", 0), ("out", 0), ("addb", 0), ("swap", 0), ("jump_unless_carry", 2), ("load", 0), ("out", 0),
    ("jump", 0),
)  # fmt: skip
"""The Fibonacci numbers up to 144 on the output, then 0, and again."""


def execute(program: Program, instructions: int) -> list[Registers]:
    """The registers after each instruction, computed with integers: what the circuit must do."""
    r, found = Registers(), []
    for _ in range(instructions):
        here = r.pc
        r = r._replace(pc=(here + 1) % 2**ADDRESS)
        if here < len(program):  # beyond its end nothing happens
            name, n = program[here]
            r = INSTRUCTIONS[name](r, n)
        found.append(r)
    return found


def processor(program: Program) -> Netlist:
    """The computer with this program. Inputs: clock and clear; outputs: its registers."""
    _check(program)
    c = Circuit("clock", "clear")
    clock, clear = c.input("clock"), c.input("clear")
    not_clock = invert(c, clock)
    pc, a, b, carry, out = (Register(c, width, clock, not_clock, clear) for width in (ADDRESS, WORD, WORD, 1, WORD))
    rows = one_hot(c, pc.q)
    does = {name: any_of(c, [rows[k] for k, (what, _) in enumerate(program) if what == name]) for name in INSTRUCTIONS}
    operand = tuple(any_of(c, [rows[k] for k, (_, n) in enumerate(program) if n >> bit & 1]) for bit in range(WORD))

    adds = either(c, does["add"], does["addb"])
    total, overflow = add(c, a.q, select(c, (does["add"], operand), (does["addb"], b.q)))
    leaves_a = c.nor(does["load"], adds, does["swap"])
    a.feed(select(c, (does["load"], operand), (adds, total), (does["swap"], b.q), (leaves_a, a.q)))
    takes_a = either(c, does["store"], does["swap"])
    b.feed(select(c, (takes_a, a.q), (invert(c, takes_a), b.q)))
    carry.feed(select(c, (adds, (overflow,)), (invert(c, adds), carry.q)))
    out.feed(select(c, (does["out"], a.q), (invert(c, does["out"]), out.q)))
    jumps = either(c, does["jump"], both(c, does["jump_unless_carry"], invert(c, carry.q[0])))
    pc.feed(select(c, (jumps, operand[:ADDRESS]), (invert(c, jumps), increment(c, pc.q))))

    registers: dict[str, Bus] = {"pc": pc.q, "a": a.q, "b": b.q, "carry": carry.q, "out": out.q}
    for name, bus in registers.items():
        c.output(name, *bus)
    return c.netlist()


def _check(program: Program) -> None:
    if not 0 < len(program) <= 2**ADDRESS:
        raise InputError(f"the program has {len(program)} instructions, expected 1 to {2**ADDRESS}")
    for k, (name, n) in enumerate(program):
        if name not in INSTRUCTIONS:
            known = ", ".join(INSTRUCTIONS)
            raise InputError(f'instruction {k} is "{name}"{did_you_mean(name, INSTRUCTIONS)}; known: {known}')
        if not 0 <= n < 2**WORD:
            raise InputError(f"instruction {k}: operand {n} is not in 0 to {2**WORD - 1}")
