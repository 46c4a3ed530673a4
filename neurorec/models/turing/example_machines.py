"""Turing machines to run: busy beavers, and machines that run on tapes of any length."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurorec.models.turing.turing_machine import TuringMachine, read_machine

Tape = tuple[int, ...]


def _empty(random: np.random.Generator, length: int) -> Tape:
    return ()


def _ones(random: np.random.Generator, length: int) -> Tape:
    return (1,) * length


def _bits(random: np.random.Generator, length: int) -> Tape:
    return tuple(map(int, random.integers(1, 3, length)))


def _palindrome(random: np.random.Generator, length: int) -> Tape:
    """A palindrome, or one with a single symbol changed."""
    half = _bits(random, -(-length // 2))
    tape = [*half, *half[::-1][length % 2 :]]
    if length > 1 and random.random() < 0.5:
        tape[random.integers(length // 2)] ^= 3
    return tuple(tape)


@dataclass(frozen=True)
class ExampleMachine:
    about: str
    table: str
    tape: Callable[[np.random.Generator, int], Tape]  #: of a given length; busy beavers start on the empty tape

    @property
    def machine(self) -> TuringMachine:
        return read_machine(self.table)


EXAMPLE_MACHINES = {
    "busy_beaver_2": ExampleMachine("busy beaver of 2 states", "1RB1LB_1LA1RH", _empty),
    "busy_beaver_3": ExampleMachine("busy beaver of 3 states", "1RB1RH_0RC1RB_1LC1LA", _empty),
    "busy_beaver_4": ExampleMachine("busy beaver of 4 states", "1RB1LB_1LA0LC_1RH1LD_1RD0RA", _empty),
    "successor": ExampleMachine("adds a 1 to a row of ones", "1LB1RA_0RH1LB", _ones),
    "increment": ExampleMachine("adds 1 to a binary number (symbols 1 and 2 for 0 and 1)", "0LB1RA2RA_2LH2LH1LB", _bits),
    "palindrome": ExampleMachine(
        "accepts (Y) a word of two letters that reads the same backwards, rejects (N) any other",
        "0RY0RB0RC_0LD1RB2RB_0LE1RC2RC_0RY0LF2RN_0RY1RN0LF_0RA1LF2LF", _palindrome,
    ),
}  # fmt: skip
