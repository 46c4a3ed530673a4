"""Crossovers between ways to train: in joules and seconds over the number of workers, in bytes over size and activity."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from neurorec.basics.errors import needed
from neurorec.experiments.communication.communication_results import CrossRow, SizeRow
from neurorec.experiments.communication.count import EPOCH, UPDATE, Counted, Way, envelope
from neurorec.hardware.chips.band import Band
from neurorec.hardware.chips.link import Link
from neurorec.hardware.communication.crossover import Crossover, find_crossover
from neurorec.hardware.communication.units import ObservedEpoch, described

TWO = 2  #: workers for comparisons of bytes over size and activity; both sides scale with workers - 1


def crossings(counted: Counted, links: dict[str, Link], chips: list[str], most: int, largest: int) -> list[CrossRow]:
    """All crossovers of one network."""
    rows = [*_joules(counted, links, chips, most), *_seconds(counted, links, most)]
    if can_be_described(counted):
        rows += [*_over_size(counted, largest), *_over_activity(counted)]
    return rows


def can_be_described(counted: Counted) -> bool:
    """Whether networks like this one exist in other sizes: spiking units with all-to-all connections."""
    return counted.net.spikes is not None and counted.net.targets is None


def sizes(counted: Counted, largest: int) -> list[SizeRow]:
    """Bytes over size, for a plot."""
    if not can_be_described(counted):
        return []
    size = _by_size(counted)
    rows = []
    for way in counted.ways:
        for hidden in np.unique(np.geomspace(8, largest, 41).astype(int)).tolist():
            band = size(way, hidden)
            rows.append(
                SizeRow(counted.net.name, way.split, way.rule, way.merge, hidden, band.value, band.low, band.high)
            )
    return rows


def _row(found: Crossover | None, kind: str, counted: Counted, rule: str, things: tuple[str, str], axis: str,
         link: str = "", at_least: str = "") -> Iterator[CrossRow]:  # fmt: skip
    if found is not None:
        yield CrossRow(kind, counted.net.name, rule, *things, link, axis, found.at, found.earliest, found.latest,
                       found.first, found.last, at_least)  # fmt: skip


def _joules(counted: Counted, links: dict[str, Link], chips: list[str], most: int) -> Iterator[CrossRow]:
    """Communication compared with computation, with a merge at every update."""
    for rule in counted.rules:
        for way in (Way("data", "any", UPDATE), Way("units", rule)):
            for name, link in links.items():
                axis = range(2, counted.most_workers(way, most) + 1)
                energy = cache(lambda P, way=way, link=link: counted.price(way, int(P), link).energy_pJ)
                for chip in chips:
                    computing, computing_at_least = counted.computing(rule, chip)
                    if computing is None:
                        continue
                    found = find_crossover(axis, energy, lambda P, band=computing: band)
                    flags = {(True, False): "first", (False, True): "second", (True, True): "both"}
                    at_least = flags.get((link.priced_per != "transfer", computing_at_least), "")
                    things = (f"communication, {way.split} shared", f"computing on {chip}")
                    yield from _row(found, "joules", counted, rule, things, "workers", name, at_least)


def _seconds(counted: Counted, links: dict[str, Link], most: int) -> Iterator[CrossRow]:
    """Shared units: a rule that processes samples one by one compared with one that processes batches."""
    online, batched = _first(counted, online=True), _first(counted, online=False)
    if online is None or batched is None:
        return
    slow, fast = Way("units", online), Way("units", batched)
    axis = range(2, counted.most_workers(slow, most) + 1)
    for name, link in links.items():
        if link.latency is None:
            continue
        found = find_crossover(
            axis,
            lambda P, link=link: counted.price(slow, int(P), link).time_s,
            lambda P, link=link: counted.price(fast, int(P), link).time_s,
        )
        first, second = (f"waiting for messages of {counted.rules[rule].title}" for rule in (online, batched))
        yield from _row(found, "seconds", counted, online, (first, second), "workers", name)


def _first(counted: Counted, **wanted: object) -> str | None:
    """The first rule of the network with this kind of communication."""
    for name, rule in counted.rules.items():
        if all(getattr(rule.messages, key) == value for key, value in wanted.items()):
            return name
    return None


def _over_size(counted: Counted, largest: int) -> Iterator[CrossRow]:
    axis = np.unique(np.geomspace(TWO, largest, 600).astype(int)).tolist()
    size = _by_size(counted)
    for rule in counted.rules:
        for merge in (UPDATE, EPOCH):
            found = find_crossover(axis, lambda H, m=merge: size(Way("data", "any", m), int(H)),
                                   lambda H, r=rule: size(Way("units", r), int(H)))  # fmt: skip
            things = (f"data shared, merged {merge}", "units shared")
            yield from _row(found, "splits", counted, rule, things, "hidden units")
    errors, signals = _first(counted, errors=True), _first(counted, signals="outputs")
    silent = _first(counted, errors=False, signals="none")
    if errors and signals:
        found = find_crossover(
            axis, lambda H: size(Way("units", errors), int(H)), lambda H: size(Way("units", signals), int(H))
        )
        things = (counted.rules[errors].title, counted.rules[signals].title)
        yield from _row(found, "rules", counted, errors, things, "hidden units")
    if silent and signals:
        found = find_crossover(
            axis, lambda H: size(Way("units", silent), int(H)) * 2.0, lambda H: size(Way("units", signals), int(H))
        )
        things = (f"twice {counted.rules[silent].title}", counted.rules[signals].title)
        yield from _row(found, "rules", counted, signals, things, "hidden units")


def _by_size(counted: Counted):
    """Bytes as a function of way and size, at the observed activity."""
    net, activities = counted.net, [seen.net.spikes_per_unit_and_step or 0.0 for seen in counted.seen]

    @cache
    def size(way: Way, hidden: int) -> Band:
        nets = [described(net.inputs, hidden, net.outputs, net.steps, net.samples, a) for a in activities]
        return _bytes(counted, nets, way)

    return size


def _over_activity(counted: Counted) -> Iterator[CrossRow]:
    net = counted.net

    def bytes_at(activity: float, way: Way) -> Band:
        like = described(net.inputs, net.hidden, net.outputs, net.steps, net.samples, activity)
        return _bytes(counted, [like], way)

    axis = np.geomspace(1e-4, 1.0, 401).tolist()
    for rule in counted.rules:
        found = find_crossover(axis, lambda a, r=rule: bytes_at(a, Way("units", r)),
                               lambda a: bytes_at(a, Way("data", "any", UPDATE)))  # fmt: skip
        things = ("units shared", f"data shared, merged {UPDATE}")
        yield from _row(found, "splits", counted, rule, things, "spikes per unit and step")


def _bytes(counted: Counted, nets: list[ObservedEpoch], way: Way) -> Band:
    every = [Band.exact(float(counted.traffic_of(net, way, TWO).total_bytes)) for net in nets]
    return needed(envelope(every), "bytes need at least one network to count")
