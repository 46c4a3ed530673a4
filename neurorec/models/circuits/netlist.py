"""Circuits of NOR gates: each gate has one output wire, which is 1 one step after all its inputs were 0.

A step of the circuit is one step of its recurrent network. "Map each wire to an element in the state, and each gate
to the corresponding part of the weight matrices" (lecture "ML Tutorial 3 - RNNs"). Input wires arrive in the step in which they
are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurorec.basics.errors import InputError

Bus = tuple[int, ...]  #: wires of a number, lowest bit first


@dataclass(frozen=True)
class Netlist:
    """Wires 0 to I - 1 are the inputs, wire I + k is the output of gate k."""

    inputs: tuple[str, ...]
    gates: tuple[tuple[int, ...], ...]  #: the wires that each gate hears
    outputs: Mapping[str, Bus]

    @property
    def fan_in(self) -> int:
        """The largest number of wires that one gate hears."""
        return max(map(len, self.gates))

    @property
    def connections(self) -> np.ndarray:
        """[G, I + G], 1 where a gate hears a wire."""
        found = np.zeros((len(self.gates), len(self.inputs) + len(self.gates)))
        for k, heard in enumerate(self.gates):
            found[k, list(heard)] = 1
        return found

    def line(self, wire: int) -> str:
        return self.inputs[wire] if wire < len(self.inputs) else f"gate {wire - len(self.inputs)}"


class Circuit:
    """A netlist under construction. Wires are numbers; `nor` adds a gate and returns its wire."""

    def __init__(self, *inputs: str) -> None:
        if len(set(inputs)) < len(inputs):
            raise InputError(f"two inputs of the circuit have the same name: {', '.join(inputs)}; rename one")
        self._inputs = inputs
        self._gates: list[tuple[int, ...] | None] = []
        self._outputs: dict[str, Bus] = {}

    def input(self, name: str) -> int:
        if name not in self._inputs:
            raise InputError(f'the circuit has no input "{name}"; known: {", ".join(self._inputs)}')
        return self._inputs.index(name)

    def wire(self) -> int:
        """The wire of a gate whose inputs are connected later, for feedback."""
        self._gates.append(None)
        return len(self._inputs) + len(self._gates) - 1

    def connect(self, wire: int, *heard: int) -> int:
        k, known = wire - len(self._inputs), len(self._inputs) + len(self._gates)
        if not 0 <= k < len(self._gates) or self._gates[k] is not None:
            raise InputError(f"wire {wire} is not a gate without inputs; take one from wire()")
        if not all(0 <= one < known for one in heard):
            raise InputError(f"gate {k} hears {list(heard)}, but there are wires 0 to {known - 1} only")
        self._gates[k] = tuple(dict.fromkeys(heard))
        return wire

    def nor(self, *heard: int) -> int:
        """1 while no wire that it hears is 1; without inputs always 1."""
        return self.connect(self.wire(), *heard)

    def output(self, name: str, *wires: int) -> None:
        self._outputs[name] = wires

    def netlist(self) -> Netlist:
        loose = [k for k, heard in enumerate(self._gates) if heard is None]
        if loose:
            raise InputError(f"gate {loose[0]} has no inputs; connect the wire that wire() returned")
        if not self._outputs:
            raise InputError("the circuit has no outputs; name one with output(name, *wires)")
        return Netlist(self._inputs, tuple(heard for heard in self._gates if heard is not None), self._outputs)
