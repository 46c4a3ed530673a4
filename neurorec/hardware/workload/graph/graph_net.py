"""Who hears whom in an observed NIR graph, synapse by synapse, seen through wiring: what a placement needs to know."""

from __future__ import annotations

from math import prod

import numpy as np
from scipy.sparse import block_array, csr_array, eye_array

from neurorec.basics.errors import CannotRun
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.wiring import INPUT, Group, Net, Regular, Wires
from neurorec.hardware.workload.graph.connections import synapse_matrix
from neurorec.hardware.workload.graph.signals import kind_of, shape_of, size_of
from neurorec.hardware.workload.graph.watch import ObservedGraph


def net_of(seen: ObservedGraph, heard: csr_array, chip: Chip) -> Net:
    """What a placement needs to know. `heard` as `heard_by_units` finds it. Input of values sends no spikes."""
    groups = tuple(
        Group(
            name=name,
            size=size_of(seen.graph.nodes[name]),
            units=1 if name in seen.roles.readout else chip.units_of("lif"),
            spikes=seen.sent.get(name, np.zeros(size_of(seen.graph.nodes[name]), np.int64)),
            is_readout=name in seen.roles.readout,
        )
        for name in seen.roles.units
    )
    inputs = len(seen.input_spikes)
    ends = inputs + np.cumsum([0, *(group.size for group in groups)])
    blocks = {INPUT: heard[:, :inputs], **{at: heard[:, ends[at] : ends[at + 1]] for at in range(len(groups))}}
    regular, wired = [], []
    for target in range(len(groups)):
        rows = slice(ends[target] - inputs, ends[target + 1] - inputs)
        for source, lines in blocks.items():
            synapses, size = csr_array(lines[rows]).nnz, inputs if source == INPUT else groups[source].size
            if synapses == size * groups[target].size:
                regular.append(Regular(source, target, size))
            elif synapses:
                wired.append((source, target))
    return Net(
        groups=groups,
        input_spikes=np.where(csr_array(heard[:, :inputs]).sum(axis=0) > 0, seen.input_spikes, 0),
        regular=tuple(regular),
        synapses=np.asarray(heard.sum(axis=1)).astype(np.int64),
        wired=frozenset(wired),
        draw=lambda: _irregular(heard, wired, inputs, ends),
    )


def _irregular(heard: csr_array, wired: list[tuple[int, int]], inputs: int, ends: np.ndarray) -> Wires:
    """The wires of the pairs (source, target) alone."""
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
    """[N, I + N] synapses onto each unit, counted through all units, from each input line and each unit."""
    walk = _Walk(seen)
    return csr_array(block_array([[walk.onto_unit(name)] for name in seen.roles.units]))


class _Walk:
    """Back from each unit over synapses and wiring to the lines that feed it."""

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
