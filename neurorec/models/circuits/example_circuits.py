"""Example circuits, each with random inputs to run it on: a latch, an adder, a counter, a computer."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from neurorec.basics.registry import Registry
from neurorec.models.circuits.computer import FIBONACCI, processor
from neurorec.models.circuits.gates import add
from neurorec.models.circuits.latches import count_up, latch
from neurorec.models.circuits.netlist import Circuit, Netlist

example_circuits: Registry[type["ExampleCircuit"]] = Registry("example circuit")


class ExampleCircuit(ABC):
    """A circuit, and inputs [T, I] for it: `rest` steps are enough for its gates to settle."""

    title: ClassVar[str]
    rest: ClassVar[int]

    @abstractmethod
    def netlist(self) -> Netlist: ...

    @abstractmethod
    def inputs(self, random: np.random.Generator, steps: int) -> np.ndarray: ...


@example_circuits.register("latch")
class Latch(ExampleCircuit):
    title, rest = "SR latch", 4

    def netlist(self) -> Netlist:
        c = Circuit("set", "reset")
        q, complement = latch(c, c.input("set"), c.input("reset"))
        c.output("complement", complement)
        c.output("q", q)
        return c.netlist()

    def inputs(self, random: np.random.Generator, steps: int) -> np.ndarray:
        """Set, reset or neither; a reset first."""
        which = random.integers(0, 3, -(-steps // self.rest))
        which[:1] = 1
        return np.repeat(np.eye(3)[which][:, :2], self.rest, 0)[:steps]


@example_circuits.register("adder")
class Adder(ExampleCircuit):
    title, rest, width = "4-bit adder", 32, 4

    def netlist(self) -> Netlist:
        c = Circuit(*(f"{number}{bit}" for number in "ab" for bit in range(self.width)))
        total, carry = add(c, range(self.width), range(self.width, 2 * self.width))
        c.output("sum", *total, carry)
        return c.netlist()

    def inputs(self, random: np.random.Generator, steps: int) -> np.ndarray:
        """Two random numbers at a time."""
        bits = random.integers(0, 2, (-(-steps // self.rest), 2 * self.width))
        return np.repeat(bits, self.rest, 0)[:steps]


def clocked(steps: int, rest: int) -> np.ndarray:
    """Clock and clear [T, 2]: clear at first, then a clock that changes every `rest` steps."""
    t = np.arange(steps)
    clear = t < 2 * rest
    return np.stack([~clear & (t // rest % 2 == 1), clear], 1)


@example_circuits.register("counter")
class Counter(ExampleCircuit):
    title, rest, width = "8-bit counter", 32, 8

    def netlist(self) -> Netlist:
        c = Circuit("clock", "clear")
        c.output("count", *count_up(c, self.width, c.input("clock"), c.input("clear")))
        return c.netlist()

    def inputs(self, random: np.random.Generator, steps: int) -> np.ndarray:
        return clocked(steps, self.rest)


@example_circuits.register("computer")
class Computer(ExampleCircuit):
    title, rest, program = "8-bit computer", 64, FIBONACCI

    def netlist(self) -> Netlist:
        return processor(self.program)

    def inputs(self, random: np.random.Generator, steps: int) -> np.ndarray:
        return clocked(steps, self.rest)
