"""Placing a described network: populations to cores in order, over as many chips as it takes, and what its spikes travel.

A population that hears every unit of another is reached on all its cores; one with a smaller fan-in only on as many cores
as its neurons need (the best case), those at the same relative position. Hops are counted on the chip of the sender; a
packet to another chip is counted as one off chip and its hops there are not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurorec.hardware.chip import Chip
from neurorec.hardware.description.card import Description
from neurorec.hardware.description.populations import Population, input_size
from neurorec.hardware.description.traffic import Reached, Share, senders_of
from neurorec.hardware.mapping import Core, Mapping, check_limit
from neurorec.hardware.mapping.anneal import Sender, anneal, hottest_link, travel


def place_description(
    net: Description, populations: list[Population], samples: int, chip: Chip, units: int, annealed: bool = False
) -> Mapping:
    """Place `populations` on `chip`; a neuron takes `units` hardware units. Cores lie in order, or are `annealed`.

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
    travelled = _travelled(senders_of(net, populations, shares, reached, samples), cores, on_chip, chip, annealed)
    return Mapping(
        cores=tuple(_cores(populations, shares, cores)),
        cores_on_chip=limit.count if limit else None,
        tiles_used=-(-min(cores, on_chip) // per_tile),
        chips=-(-cores // on_chip),
        **travelled,
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


def _travelled(senders: list[Sender], cores: int, on_chip: int, chip: Chip, annealed: bool) -> dict[str, Any]:
    """What the spikes travel, as fields of `Mapping`."""
    in_order = np.arange(cores)
    travelled: dict[str, Any] = travel(senders, in_order, chip, on_chip)
    if not annealed or chip.network is None or chip.network.kind != "mesh":
        return travelled
    places = anneal(senders, cores, on_chip, chip.network)
    better = travel(senders, places, chip, on_chip)
    hops = [count["hops_east_west"] + count["hops_north_south"] for count in (travelled, better)]
    hottest = hottest_link(senders, places, on_chip, chip.network)
    return {**better, "hops_in_order": hops[0], "hottest_link": hottest}
