"""An observed NIR graph on a chip: units to cores in the order of the graph, and what their spikes travel."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array

from neurorec.hardware.chip import Chip
from neurorec.hardware.graph.observe import Observed
from neurorec.hardware.graph.wires import Wires
from neurorec.hardware.mapping import Core, Mapping, check_limit
from neurorec.hardware.mapping.anneal import Sender, travel


def place_graph(seen: Observed, wires: Wires, chip: Chip) -> Mapping:
    """Raises `CannotRun` if it does not fit, saying which limit and by how much."""
    readout = np.repeat([name in seen.roles.readout for name in seen.roles.units], wires.sizes)
    core_of = _fill(wires, readout, chip)
    cores = int(core_of[-1]) + 1
    limits, mesh = chip.limits, chip.network
    if mesh is None:
        check_limit("cores", cores, limits.cores, "cores are needed and it has no links to a second chip")
    on_chip = limits.cores.count if limits.cores else cores
    N = len(core_of)
    holds = csr_array((np.ones(N, np.int64), (core_of, np.arange(N))), shape=(cores, N))
    hears = csc_array(holds @ wires.heard)  # [cores, lines]
    lines, targets = np.bincount(hears.indices, minlength=cores), np.diff(hears.indptr)[wires.inputs :]
    check_limit("axons_per_core", int(lines.max()), limits.axons_per_core, "lines arrive at its fullest core")
    check_limit("targets_per_neuron", int(targets.max()), limits.targets_per_neuron, "cores must hear each neuron")
    travelled: dict[str, Any] = travel(_senders(seen, wires, core_of, hears), np.arange(cores), chip, on_chip)
    return Mapping(
        cores=_cores(core_of, readout, cores),
        cores_on_chip=limits.cores.count if limits.cores else None,
        tiles_used=-(-min(cores, on_chip) // (mesh.cores_per_tile if mesh else 1)),
        chips=-(-cores // on_chip),
        **travelled,
    )


def _fill(wires: Wires, readout: np.ndarray, chip: Chip) -> np.ndarray:
    """[N] the core of each unit: a core is filled until one of the card's limits is reached.

    A node that does not fit whole on the core begun starts a new one, so that a core hears as few layers as may be.
    """
    limits, synapses = chip.limits, np.asarray(wires.heard.sum(axis=1))
    units = np.where(readout, 1, chip.units_of("lif"))
    check_limit("synapses_per_core", int(synapses.max()), limits.synapses_per_core, "synapses end at one neuron")
    check_limit("neurons_per_core", int(units.max()), limits.neurons_per_core, "units make one neuron")
    room = limits.neurons_per_core.count if limits.neurons_per_core else int(units.sum())
    store = limits.synapses_per_core.count if limits.synapses_per_core else int(synapses.sum())
    core_of, core, taken, stored = np.zeros(len(units), np.int64), 0, 0, 0
    starts = np.cumsum((0, *wires.sizes))[:-1]
    of_nodes = [np.add.reduceat(count, starts).tolist() for count in (units, synapses)]
    whole = dict(zip(starts.tolist(), zip(*of_nodes, strict=True), strict=True))
    for at, (unit, synapse) in enumerate(zip(units.tolist(), synapses.tolist(), strict=True)):
        node_units, node_synapses = whole.get(at, (unit, synapse))
        if at and (taken + node_units > room or stored + node_synapses > store):
            core, taken, stored = core + 1, 0, 0
        core_of[at], taken, stored = core, taken + unit, stored + synapse
    return core_of


def _senders(seen: Observed, wires: Wires, core_of: np.ndarray, hears: csc_array) -> list[Sender]:
    """Every line that spiked, with the cores that hear it."""
    silent = [np.zeros(size, np.int64) for size in wires.sizes]
    units = [seen.sent.get(name, none) for name, none in zip(seen.roles.units, silent, strict=True)]
    found = []
    for line, spikes in enumerate(np.concatenate([seen.input_spikes, *units]).tolist()):
        targets = hears.indices[hears.indptr[line] : hears.indptr[line + 1]].astype(np.int64)
        if spikes and (line >= wires.inputs or len(targets)):
            found.append(Sender(None if line < wires.inputs else int(core_of[line - wires.inputs]), spikes, targets))
    return found


def _cores(core_of: np.ndarray, readout: np.ndarray, cores: int) -> tuple[Core, ...]:
    ends = [np.cumsum(np.bincount(core_of[which], minlength=cores)) for which in (~readout, readout)]
    starts = [np.concatenate([[0], end[:-1]]) for end in ends]
    columns = (column.tolist() for column in (starts[0], ends[0], starts[1], ends[1]))
    return tuple(Core((a, b), (c, d)) for a, b, c, d in zip(*columns, strict=True))
