"""Who hears whom in an observed NIR graph, synapse by synapse, seen through wiring: what a placement needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array

from neurorec.basics.errors import CannotRun
from neurorec.hardware.graph.connections import synapse_matrix
from neurorec.hardware.graph.observe import Observed
from neurorec.hardware.graph.signals import kind_of, shape_of, size_of


@dataclass(frozen=True)
class Wires:
    """`heard` [N, I + N]: synapses onto each unit, counted through all units, from each input line and each unit."""

    heard: csr_array
    sizes: tuple[int, ...]  #: of each unit node, in the order of `Roles.units`
    inputs: int


def wires_of(seen: Observed) -> Wires:
    """The wires of every unit node."""
    walk = _Walk(seen)
    return Wires(
        heard=csr_array(block_array([[walk.onto_unit(name)] for name in seen.roles.units])),
        sizes=tuple(size_of(seen.graph.nodes[name]) for name in seen.roles.units),
        inputs=walk.inputs,
    )


class _Walk:
    """Back from each unit over synapses and wiring to the lines that feed it."""

    def __init__(self, seen: Observed) -> None:
        self.graph, self.roles = seen.graph, seen.roles
        self.inputs = len(seen.input_spikes)
        sizes = [self.inputs, *(size_of(self.graph.nodes[name]) for name in self.roles.units)]
        self.first = dict(zip([self.graph.input, *self.roles.units], np.cumsum([0, *sizes]), strict=False))
        self.lines = int(sum(sizes))
        self.walking: set[str] = set()

    def onto_unit(self, name: str) -> csr_array:
        if self.roles.is_synapses(self.graph, name):
            return csr_array(synapse_matrix(self.graph.nodes[name]) @ self._onto(name))
        return self._onto(name)

    def _onto(self, name: str) -> csr_array:
        """[inputs of the node, lines] what arrives."""
        size = prod(shape_of(self.graph.nodes[name], "input"))
        found = csr_array((size, self.lines), dtype=np.int64)
        for source, _ in self.graph.arrivals[name]:
            found = csr_array(found + self._from(source))
        return found

    def _from(self, name: str) -> csr_array:
        """[outputs of the node, lines] what leaves."""
        node = self.graph.nodes[name]
        if name in self.first:
            block = eye_array(size_of(node), self.lines, k=int(self.first[name]))
            return csr_array(block, dtype=np.int64)
        if name in self.walking:
            raise CannotRun(
                f'{self.graph.where}: node "{name}" is in a loop of delays without a neuron, which no chip holds'
            )
        self.walking.add(name)
        onto = self._onto(name)
        self.walking.remove(name)
        if kind_of(self.graph, name) == "Scale" and not self.roles.is_synapses(self.graph, name):
            return onto
        return csr_array(synapse_matrix(node) @ onto)
