"""Placing a described network: populations to cores in order, over as many chips as it takes, and what its spikes travel.

A population that hears every unit of another is reached on all its cores; one with a smaller fan-in only on as many cores
as its neurons need (the best case), those at the same relative position. Hops are counted on the chip of the sender; a
packet to another chip is counted as one off chip and its hops there are not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurorec.hardware.chip import Chip
from neurorec.hardware.description.card import Description
from neurorec.hardware.description.populations import Population, input_size, input_spikes
from neurorec.hardware.mapping import Core, Mapping, check_limit


@dataclass(frozen=True)
class Share:
    """Units [first, past) of population `of` on core `core`."""

    of: int
    core: int
    first: int
    past: int


def place_description(net: Description, populations: list[Population], samples: int, chip: Chip, units: int) -> Mapping:
    """Place `populations` on `chip`; a neuron takes `units` hardware units.

    Raises
    ------
    CannotRun
        If it does not fit, saying which limit and by how much.
    """
    shares = _fill(populations, chip, units)
    cores = shares[-1].core + 1
    limit = chip.limits.cores
    linked = chip.network is not None and limit is not None
    if not linked:
        check_limit("cores", cores, limit, "cores are needed and it has no links to a second chip")
    on_chip = limit.count if limit else cores
    reached = _reached(populations, shares)
    check_limit("axons_per_core", _lines_into(net, populations, shares, reached), chip.limits.axons_per_core,
                "lines arrive at its fullest core")  # fmt: skip
    most = max((_targets_of(at, populations, reached) for at in range(len(populations))), default=0)
    check_limit("targets_per_neuron", most, chip.limits.targets_per_neuron, "cores must hear each neuron")
    per_tile = chip.network.cores_per_tile if chip.network else 1
    return Mapping(
        cores=tuple(_cores(populations, shares, cores)),
        cores_on_chip=limit.count if limit else None,
        tiles_used=-(-min(cores, on_chip) // per_tile),
        **_travel(net, populations, shares, reached, samples, chip, on_chip),
        chips=-(-cores // on_chip),
    )


def _fill(populations: list[Population], chip: Chip, units: int) -> list[Share]:
    """Cores in the order they fill up, by neurons and by synapses."""
    room = chip.limits.neurons_per_core.count if chip.limits.neurons_per_core else None
    store = chip.limits.synapses_per_core.count if chip.limits.synapses_per_core else None
    shares: list[Share] = []
    core, free_units, free_synapses = -1, 0.0, 0.0
    for at, p in enumerate(populations):
        each = 1 if p.is_readout else units
        check_limit(
            "synapses_per_core", p.synapses_per_unit, chip.limits.synapses_per_core, "synapses end at one neuron"
        )
        check_limit("neurons_per_core", each, chip.limits.neurons_per_core, "units make one neuron")
        done = 0
        while done < p.size:
            fits = int(min(free_units // each, free_synapses // max(1, p.synapses_per_unit), p.size - done))
            if fits < 1:
                core, free_units, free_synapses = core + 1, float(room or np.inf), float(store or np.inf)
                if room is None and store is None:
                    free_units = free_synapses = 1e18  # one core holds everything where the card has no limits
                continue
            shares.append(Share(at, core, done, done + fits))
            done, free_units = done + fits, free_units - fits * each
            free_synapses -= fits * p.synapses_per_unit
    return shares


def _cores(populations: list[Population], shares: list[Share], cores: int) -> list[Core]:
    """Ranges of hidden and output units of each core, counted through all layers."""
    hidden, outputs = np.zeros(cores, dtype=np.int64), np.zeros(cores, dtype=np.int64)
    for share in shares:
        (outputs if populations[share.of].is_readout else hidden)[share.core] += share.past - share.first
    ends = np.cumsum(hidden), np.cumsum(outputs)
    return [
        Core((int(h - n), int(h)), (int(o - m), int(o)))
        for h, n, o, m in zip(ends[0], hidden, ends[1], outputs, strict=True)
    ]


Reached = dict[
    tuple[int, int], tuple[np.ndarray, float]
]  #: (source, population) -> its cores, share that each unit reaches


def _reached(populations: list[Population], shares: list[Share]) -> Reached:
    cores_of = [np.array([s.core for s in shares if s.of == at]) for at in range(len(populations))]
    found: Reached = {}
    for at, p in enumerate(populations):
        heard = [(line.source, line.fan_in) for line in p.lines]
        heard += [(at, p.recurrent_fan_in)] if p.recurrent_fan_in else []
        for source, fan_in in heard:
            size = populations[source].size if source >= 0 else None
            fan_out = p.size * fan_in / size if size else p.size
            full = size is None or fan_in == size
            needed = len(cores_of[at]) if full else min(len(cores_of[at]), -(-fan_out * len(cores_of[at]) // p.size))
            found[(source, at)] = (cores_of[at], float(needed) / len(cores_of[at]))
    return found


def _targets_of(source: int, populations: list[Population], reached: Reached) -> int:
    """Cores that a spike of population `source` must reach."""
    everywhere = {
        int(core) for (s, _), (cores, share) in reached.items() if s == source and share == 1.0 for core in cores
    }
    some = sum(round(len(cores) * share) for (s, _), (cores, share) in reached.items() if s == source and share < 1.0)
    return len(everywhere) + some


def _lines_into(net: Description, populations: list[Population], shares: list[Share], reached: Reached) -> int:
    """Lines that end at the core with most of them; a line that several populations on a core hear is one line."""
    on_core: dict[int, set[int]] = {}
    for share in shares:
        on_core.setdefault(share.core, set()).add(share.of)
    fullest = 0.0
    for present in on_core.values():
        heard: dict[int, float] = {}
        for (source, at), (_, part) in reached.items():
            if at in present:
                heard[source] = max(heard.get(source, 0.0), part)
        sizes = {source: populations[source].size if source >= 0 else input_size(net) for source in heard}
        fullest = max(fullest, sum(part * sizes[source] for source, part in heard.items()))
    return int(np.ceil(fullest))


def _travel(
    net: Description, populations: list[Population], shares: list[Share], reached: Reached, samples: int, chip: Chip,
    on_chip: int,
) -> dict[str, int]:  # fmt: skip
    """Packets, deliveries within a tile, hops, packets to another chip: totals over all samples."""
    count: dict[str, int] = dict.fromkeys(
        ("packets", "within_tile", "hops_east_west", "hops_north_south", "packets_off_chip"), 0
    )
    per_tile, columns = (chip.network.cores_per_tile, chip.network.tiles[0]) if chip.network else (1, 1)
    mesh = chip.network is not None and chip.network.kind == "mesh"
    arriving = input_spikes(net)
    senders = [(-1, 0, 0.0, int((arriving or 0) * input_size(net) * samples))]
    for s in shares:
        p = populations[s.of]
        senders.append((s.of, s.core, s.first / p.size, int((p.spikes or 0) * samples * (s.past - s.first))))
    for source, core, position, spikes in senders:
        targets = _target_cores(source, position, reached)
        if not spikes or not len(targets):
            count["packets"] += spikes if not mesh else 0
            continue
        other = targets // on_chip != core // on_chip
        if not mesh:
            count["packets"] += spikes
            count["packets_off_chip"] += spikes * len(np.unique(targets[other] // on_chip))
            continue
        tile, here = core % on_chip // per_tile, targets[~other] % on_chip // per_tile
        across, along = np.abs(here % columns - tile % columns), np.abs(here // columns - tile // columns)
        count["packets"] += spikes * len(targets)
        count["within_tile"] += spikes * int((across + along == 0).sum())
        count["hops_east_west"] += spikes * int(across.sum())
        count["hops_north_south"] += spikes * int(along.sum())
        count["packets_off_chip"] += spikes * int(other.sum())
    return count


def _target_cores(source: int, position: float, reached: Reached) -> np.ndarray:
    """Cores that the units of `source` at this relative position of it send to, each once."""
    found = [np.zeros(0, dtype=np.int64)]
    for (s, _), (cores, share) in reached.items():
        if s == source:
            n = max(1, round(len(cores) * share))
            start = min(int(position * len(cores) + 0.5), len(cores) - n)
            found.append(cores[start : start + n])
    return np.unique(np.concatenate(found))
