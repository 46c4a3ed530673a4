"""Turing machines with one tape, from transition tables in the standard text format."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from neurorec.basics.errors import InputError, RunFailed

LEFT, RIGHT = "L", "R"


class Move(NamedTuple):
    write: int
    to: str  #: LEFT or RIGHT
    state: str


class Configuration(NamedTuple):
    """A moment of a machine; symbols beyond both ends of the tape are 0 (blank)."""

    state: str
    left: tuple[int, ...]  #: symbols left of the head, the nearest first
    right: tuple[int, ...]  #: symbols from the head to the right, that under the head first

    @property
    def tape(self) -> tuple[int, ...]:
        """The symbols from the first to the last that is not blank."""
        symbols = _without_end((*reversed(self.left), *self.right))
        return _without_end(symbols[::-1])[::-1]


@dataclass(frozen=True)
class TuringMachine:
    """States are letters, symbols 0 (blank) to k - 1. A state without a row of the table halts."""

    symbols: int
    table: Mapping[tuple[str, int], Move]

    @property
    def states(self) -> tuple[str, ...]:
        """Those with a row, the start first, then those that halt."""
        busy = dict.fromkeys(state for state, _ in self.table)
        return tuple({**busy, **dict.fromkeys(move.state for move in self.table.values())})

    @property
    def halting(self) -> tuple[str, ...]:
        return tuple(state for state in self.states if (state, 0) not in self.table)

    def start(self, tape: Sequence[int] = ()) -> Configuration:
        """The first state with the head on the first symbol of `tape`."""
        for symbol in tape:
            if not 0 <= symbol < self.symbols:
                raise InputError(f"the tape contains {symbol}, but the machine's symbols are 0 to {self.symbols - 1}")
        return Configuration(self.states[0], (), _without_end(tuple(tape)))

    def step(self, now: Configuration) -> Configuration:
        under, rest = (now.right[0], now.right[1:]) if now.right else (0, ())
        move = self.table[now.state, under]
        if move.to == RIGHT:
            left, right = (move.write, *now.left), rest
        else:
            beside, left = (now.left[0], now.left[1:]) if now.left else (0, ())
            right = (beside, move.write, *rest)
        return Configuration(move.state, _without_end(left), _without_end(right))

    def run(self, tape: Sequence[int] = (), steps: int = 1_000_000) -> Iterator[Configuration]:
        """Configurations from the start until it halts. Raises `RunFailed` if it has not halted after `steps`."""
        now = self.start(tape)
        yield now
        for _ in range(steps):
            if now.state in self.halting:
                return
            now = self.step(now)
            yield now
        if now.state not in self.halting:
            raise RunFailed(f"the machine has not halted after {steps:,} steps; allow more, or check its table")


def read_machine(text: str) -> TuringMachine:
    """A machine from its table, such as "1RB1LB_1LA1RH": rows A, B, ... separated by "_"; in each, for the symbols 0, 1, ...
    under the head: what is written, where the head moves, and the next state.

    Raises
    ------
    InputError
        For a table that is not of this form.
    """
    table, rows = {}, text.split("_")
    width = len(rows[0]) // 3
    for letter, row in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", rows, strict=False):
        if not re.fullmatch(rf"(\d[LR][A-Z]){{{width}}}", row) or width < 2:
            raise InputError(f'row {letter} of the machine is "{row}", expected {max(width, 2)} moves such as 1RB')
        for symbol in range(width):
            write, to, state = row[3 * symbol : 3 * symbol + 3]
            if int(write) >= width:
                raise InputError(f"row {letter} of the machine writes {write}, but its symbols are 0 to {width - 1}")
            table[letter, symbol] = Move(int(write), to, state)
    return TuringMachine(width, table)


def _without_end(symbols: tuple[int, ...]) -> tuple[int, ...]:
    """Without the blanks at the end."""
    while symbols and symbols[-1] == 0:
        symbols = symbols[:-1]
    return symbols
