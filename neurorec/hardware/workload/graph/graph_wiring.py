"""Connectivity of an observed NIR graph, synapse by synapse and through routing nodes, for placement."""

from __future__ import annotations

from math import prod

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array

from neurorec.basics.errors import CannotRun
from neurorec.hardware.workload.graph.connections import synapse_matrix
from neurorec.hardware.workload.graph.signals import kind_of, shape_of, size_of
from neurorec.hardware.workload.graph.watch import ObservedGraph
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular, Wires, Wiring


def wiring_of(seen: ObservedGraph, heard: csr_array) -> Wiring:
    """The wiring for placement; `heard` is the result of `heard_by_units`."""
    sizes = [size_of(seen.graph.nodes[name]) for name in seen.roles.units]
    inputs = len(seen.input_spikes)
    ends = inputs + np.cumsum([0, *sizes])
    blocks = {INPUT_LINES: heard[:, :inputs], **{at: heard[:, ends[at] : ends[at + 1]] for at in range(len(sizes))}}
    regular, wired = [], []
    for target, units in enumerate(sizes):
        rows = slice(ends[target] - inputs, ends[target + 1] - inputs)
        for source, lines in blocks.items():
            synapses, size = csr_array(lines[rows]).nnz, inputs if source == INPUT_LINES else sizes[source]
            if synapses == size * units:
                regular.append(Regular(source, target, size))
            elif synapses:
                wired.append((source, target))
    return Wiring(
        regular=tuple(regular),
        synapses=np.asarray(heard.sum(axis=1)).astype(np.int64),
        input_reaches=csr_array(heard[:, :inputs]).sum(axis=0) > 0,
        wired=frozenset(wired),
        draw=(lambda: _irregular(heard, wired, inputs, ends)) if wired else None,
    )


def _irregular(heard: csr_array, wired: list[tuple[int, int]], inputs: int, ends: np.ndarray) -> Wires:
    """Only the wires of the pairs (source, target)."""
    groups, units = len(ends) - 1, ends[-1] - inputs
    asked = np.zeros((groups + 1, groups), bool)  # the input comes first
    for source, target in wired:
        asked[source + 1, target] = True
    group_of = np.searchsorted(ends, np.arange(ends[-1]), side="right")
    rows, lines = heard.nonzero()
    kept = asked[group_of[lines], group_of[inputs + rows] - 1]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=units))])
    return Wires(starts.astype(np.int64), lines[kept].astype(np.int32))


def heard_by_units(seen: ObservedGraph) -> csr_array:
    """[N, I + N] synapses to each unit, numbered across all populations, from each input line and each unit."""
    walk = _Walk(seen)
    return csr_array(block_array([[walk.onto_unit(name)] for name in seen.roles.units]))


class _Walk:
    """Traces back from each unit over synapses and routing to the lines that feed it."""

    def __init__(self, seen: ObservedGraph) -> None:
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
        """[inputs of the node, lines] lines that arrive."""
        size = prod(shape_of(self.graph.nodes[name], "input"))
        found = csr_array((size, self.lines), dtype=np.int64)
        for source, _ in self.graph.arrivals[name]:
            found = csr_array(found + self._from(source))
        return found

    def _from(self, name: str) -> csr_array:
        """[outputs of the node, lines] lines that leave."""
        node = self.graph.nodes[name]
        if name in self.first:
            block = eye_array(size_of(node), self.lines, k=int(self.first[name]))
            return csr_array(block, dtype=np.int64)
        if name in self.walking:
            raise CannotRun(
                f'{self.graph.where}: node "{name}" is in a loop of delays without a neuron, which no chip can run'
            )
        self.walking.add(name)
        onto = self._onto(name)
        self.walking.remove(name)
        if kind_of(self.graph, name) == "Scale" and not self.roles.is_synapses(self.graph, name):
            return onto
        return csr_array(synapse_matrix(node) @ onto)
