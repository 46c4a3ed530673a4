"""A Turing machine as a recurrent network of saturated-linear units, after Siegelmann and Sontag (1995).

x(t+1) = sat(W x(t) + b) with sat(u) = min(max(u, 0), 1) and rational W and b. Each half of the tape is a stack in the activity
of one unit: the symbols a_1, a_2, ... (the top first) are

    q = sum_i (2 a_i + 1) / B^i,    B the smallest power of two from twice the number of symbols on (4 for two symbols),

digits with gaps between them (a Cantor set), so that sat reads the top without error: sat(B q - 2 j) is 1 if a_1 >= j, and 0 if
not; an empty stack is q = 0 and reads as blank. One step of the machine takes three steps of the network:

    read     for both stacks T_j = sat(B q - 2 j) and, whether it holds anything, N = sat(B q)
    choose   one unit per state and symbol, sat(state + T_a - T_{a+1} - 1); stacks without their top, B q - 2 sum_j T_j - N
    write    the next state; for either direction a unit with the stack after that move, sat(q' + chosen - 1)

Units of each stage hear those of the stage before only, and are 0 while those are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from neurorec.models.turing.turing_machine import LEFT, RIGHT, Configuration, TuringMachine

STAGES = 3
SIDES = ("left", "right")

Number = Callable[[Fraction], Any]
"""The arithmetic: `Fraction` is exact, `float` keeps 53 bits, `numpy.float32` 24."""
Weights = dict[str, Fraction]  #: by the unit that is heard


@dataclass(frozen=True)
class Unit:
    """sat(sum of weight times activity + bias)."""

    weights: Weights
    bias: int = 0


@dataclass(frozen=True)
class StackNetwork:
    """The network of a machine; its activity is a value per unit."""

    machine: TuringMachine
    base: int
    units: Mapping[str, Unit]

    def start(self, tape: Sequence[int] = ()) -> dict[str, Any]:
        """The activity of the machine's start on this tape."""
        now = self.machine.start(tape)
        loaded = {now.state: Fraction(1), after("right", RIGHT): self.stack(now.right)}
        return {name: loaded.get(name, Fraction(0)) for name in self.units}

    def stack(self, symbols: Sequence[int]) -> Fraction:
        """The activity that stands for these symbols, the top first."""
        found = Fraction(0)
        for symbol in reversed(symbols):
            found = (found + 2 * symbol + 1) / self.base
        return found

    def symbols(self, activity: Fraction) -> tuple[int, ...] | None:
        """The symbols that an activity stands for, without blanks at the end; None if for none."""
        found = []
        while activity:
            digit = int(activity * self.base)
            activity = activity * self.base - digit
            if digit % 2 == 0 or digit > 2 * self.machine.symbols:
                return None
            found.append(digit // 2)
        while found and found[-1] == 0:
            found.pop()
        return tuple(found)

    def step(self, now: Mapping[str, Any], number: Number = Fraction) -> dict[str, Any]:
        """One step. Sums are taken in order, so that rounded results are the same on every machine."""
        zero, one, later = number(Fraction(0)), number(Fraction(1)), {}
        for name, unit in self.units.items():
            total = number(Fraction(unit.bias))
            for heard, weight in unit.weights.items():
                if now[heard]:
                    total = total + number(weight) * now[heard]
            later[name] = min(max(total, zero), one)
        return later

    def read(self, now: Mapping[str, Any]) -> Configuration | None:
        """The machine's configuration after the stage "write"; None if the activity stands for none."""
        states = [state for state in self.machine.states if now[state]]
        held = [[Fraction(*now[after(side, to)].as_integer_ratio()) for to in (LEFT, RIGHT)] for side in SIDES]
        left, right = (self.symbols(one + other) for one, other in held)  # one of the two is 0
        if len(states) != 1 or now[states[0]] != 1 or left is None or right is None:
            return None
        return Configuration(states[0], left, right)

    def run(
        self, tape: Sequence[int] = (), number: Number = Fraction, steps: int = 1_000_000
    ) -> Iterator[Configuration | None]:
        """What `TuringMachine.run` yields, from the network's activity; ends after None, or after so many of its steps."""
        now: dict[str, Any] = {name: number(value) for name, value in self.start(tape).items()}
        seen = self.read(now)
        yield seen
        for _ in range(steps):
            if seen is None or seen.state in self.machine.halting:
                return
            for _ in range(STAGES):
                now = self.step(now, number)
            seen = self.read(now)
            yield seen


def after(side: str, to: str) -> str:
    """The unit that holds a stack if the head has just moved `to`."""
    return f"{side} after {to}"


def stack_network(machine: TuringMachine) -> StackNetwork:
    """The network that computes what `machine` computes."""
    base = 4
    while base < 2 * machine.symbols:
        base *= 2
    units = {**_read(machine, base), **_choose(machine, base), **_write(machine, base)}
    return StackNetwork(machine, base, units)


def _read(machine: TuringMachine, base: int) -> dict[str, Unit]:
    units = {f"{state} read": Unit({state: Fraction(1)}) for state in machine.states if state not in machine.halting}
    for side in SIDES:
        halves = [after(side, to) for to in (LEFT, RIGHT)]
        units[f"{side} held"] = Unit(dict.fromkeys(halves, Fraction(1)))
        units[f"{side} not empty"] = Unit(dict.fromkeys(halves, Fraction(base)))
        for j in range(1, machine.symbols):
            units[f"{side} >= {j}"] = Unit(dict.fromkeys(halves, Fraction(base)), -2 * j)
    return units


def _choose(machine: TuringMachine, base: int) -> dict[str, Unit]:
    units = {}
    for state, symbol in machine.table:
        heard = {f"{state} read": Fraction(1)}
        if symbol:
            heard[f"right >= {symbol}"] = Fraction(1)
        if symbol + 1 < machine.symbols:
            heard[f"right >= {symbol + 1}"] = Fraction(-1)
        units[f"{state}{symbol}"] = Unit(heard, -1 if symbol else 0)
    for side in SIDES:
        tops = {f"{side} >= {j}": Fraction(-2) for j in range(1, machine.symbols)}
        units[f"{side} popped"] = Unit({f"{side} held": Fraction(base), **tops, f"{side} not empty": Fraction(-1)})
    units["left kept"] = Unit({"left held": Fraction(1)})
    for j in range(1, machine.symbols):
        units[f"left kept >= {j}"] = Unit({f"left >= {j}": Fraction(1)})
    return units


def _write(machine: TuringMachine, base: int) -> dict[str, Unit]:
    units = {
        state: Unit({f"{q}{a}": Fraction(1) for (q, a), move in machine.table.items() if move.state == state})
        for state in machine.states
    }
    one = Fraction(1, base)

    def stack(to: str, before: Weights, pushed: Callable[[int], Fraction]) -> Unit:
        """A stack as it was, and what each transition pushes, if the head moves `to`; else 0."""
        chosen = {f"{q}{a}": 1 + pushed(move.write) for (q, a), move in machine.table.items() if move.to == to}
        return Unit(before | chosen, -1)

    def nothing(_: int) -> Fraction:
        return Fraction(0)

    units[after("left", RIGHT)] = stack(RIGHT, {"left kept": one}, lambda written: (2 * written + 1) * one)
    units[after("right", RIGHT)] = stack(RIGHT, {"right popped": Fraction(1)}, nothing)
    units[after("left", LEFT)] = stack(LEFT, {"left popped": Fraction(1)}, nothing)
    beside = {f"left kept >= {j}": 2 * one for j in range(1, machine.symbols)}  # its symbol comes under the head
    units[after("right", LEFT)] = stack(
        LEFT, {"right popped": one**2, **beside}, lambda written: (2 * written + 1) * one**2 + one
    )
    return units
