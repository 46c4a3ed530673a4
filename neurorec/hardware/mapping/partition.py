"""Partitioning of neurons into cores with METIS: fewest spikes between cores, within the limits of a core.

METIS (Karypis & Kumar 1998, through pymetis) partitions the graph of neurons, with edges weighted by spikes, into the required
number of cores; a part that exceeds a limit continues on another core. Groups without known wires are kept whole if they fit
on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from scipy.sparse import csr_array

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import Chip
from neurorec.hardware.mapping.anneal import MOST_PLACES, between_cores
from neurorec.hardware.mapping.layout import Layout, fill_cores
from neurorec.hardware.mapping.net import Net
from neurorec.hardware.mapping.routes import Ground
from neurorec.hardware.mapping.spike_traffic import SpikeTraffic

MOST_EDGES = 12_000_000  #: with more edges, METIS takes minutes
SLACK = 1.03  #: METIS balances parts to 3 %


def partitions(net: Net, chip: Chip, in_order: Layout) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Candidate orders of the units, each with the starts of cores; none if there are too many wires.

    METIS balances parts only to a few per cent, so it is called for exactly the required number of parts, and for a few more.
    """
    if not net.wired:
        yield np.arange(net.size), _starts_of_groups(net, chip)
    elif len(net.wires.lines) <= MOST_EDGES:
        limits = (chip.limits.neurons_per_core, chip.limits.synapses_per_core)
        units = np.repeat([group.units for group in net.groups], [group.size for group in net.groups])
        full = [
            weight.sum() / limit.count if limit else 0.0
            for weight, limit in zip((units, net.synapses), limits, strict=True)
        ]
        # METIS balances only one of them (through pymetis): the scarcer
        weight = net.synapses if full[1] > full[0] else units
        between = _neighbours(net)
        for parts in sorted({in_order.cores, max(in_order.cores, int(np.ceil(max(full) * SLACK)))} - {1}):
            part = cut(between, weight, parts)
            order = np.argsort(part, kind="stable")
            yield order, np.diff(part[order], prepend=-1) != 0


def _starts_of_groups(net: Net, chip: Chip) -> np.ndarray:
    """Units before which a new core starts, for a group that fits on one core but not in the remaining space."""
    breaks = np.zeros(net.size, bool)
    for first, past in zip(net.first, net.first[1:], strict=False):
        so_far = fill_cores(net, chip, breaks=breaks).core_of[first:past]
        alone = fill_cores(net, chip, order=np.arange(first, past)).cores
        breaks[first] = so_far[-1] - so_far[0] + 1 > alone
    return breaks


def _neighbours(net: Net) -> csr_array:
    """[N, N] spikes between two units in both directions, plus one, so that silent synapses count a little."""
    wires, inputs = net.wires, net.inputs
    to = np.repeat(np.arange(net.size), np.diff(wires.starts))
    inside = wires.lines >= inputs
    source = wires.lines[inside] - inputs
    spikes = net.spikes[wires.lines[inside]]
    weight = 1 + spikes * 100 // max(1, int(spikes.max(initial=0)))  # METIS adds weights in 32 bits
    one_way = csr_array((weight, (source, to[inside])), shape=(net.size, net.size))
    one_way.setdiag(0)
    both = csr_array(one_way + one_way.T)
    both.eliminate_zeros()
    return both


def cut(between: csr_array, weight: np.ndarray, parts: int, seed: int = 0) -> np.ndarray:
    """The part of each vertex: METIS k-way partitioning with minimal edge cut."""
    if find_spec("pymetis") is None:
        raise InputError("--partition needs METIS: pip install 'neurorec[mapping]'")
    import pymetis

    graph = pymetis.CSRAdjacency(np.array(between.indptr, np.int32), np.array(between.indices, np.int32))
    options = pymetis.Options(seed=seed, ufactor=round((SLACK - 1) * 1000), niter=20)
    _, part = pymetis.part_graph(
        parts, graph, vweights=weight.astype(np.int32), eweights=between.data.astype(np.int32), recursive=False,
        options=options,
    )  # fmt: skip
    return np.asarray(part)


def share_out_chips(traffic: SpikeTraffic, ground: Ground) -> np.ndarray | None:
    """Positions [cores] that put communicating cores on the same chip; None for one chip or for too many cores."""
    if ground.chips < 2 or traffic.cores > MOST_PLACES:
        return None
    between, _ = between_cores(traffic, np.arange(traffic.cores), traffic.cores)
    if not between.nnz:
        return None
    scaled = csr_array((np.maximum(1, between.data * 1000 // between.data.max()), between.indices, between.indptr))
    part = cut(scaled, np.ones(traffic.cores), ground.chips)
    _move_surplus(part, between, ground)
    order = np.argsort(part, kind="stable")
    rank = np.arange(traffic.cores) - np.searchsorted(part[order], part[order])  # index of the core on its chip
    places = np.empty(traffic.cores, np.int64)
    places[order] = part[order] * ground.on_chip + rank
    return places


def _move_surplus(part: np.ndarray, between: csr_array, ground: Ground) -> None:
    """If METIS assigned too many cores to a chip, move those that communicate least with the rest to where they do most."""
    held = np.bincount(part, minlength=ground.chips)
    for chip in np.flatnonzero(held > ground.on_chip):
        while held[chip] > ground.on_chip:
            cores = np.flatnonzero(part == chip)
            core = cores[np.argmin(between[cores][:, cores].sum(1))]
            talk = np.bincount(part, between[[core]].toarray()[0], ground.chips)
            talk[held >= ground.on_chip] = -1.0
            goal = int(np.argmax(talk))
            part[core], held[chip], held[goal] = goal, held[chip] - 1, held[goal] + 1
