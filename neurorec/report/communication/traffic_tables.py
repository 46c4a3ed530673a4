"""Tables of a communication study."""

from typing import Any

from neurorec.experiments.communication.communication_results import (
    BytesRow,
    CommunicationResults,
    CrossRow,
    NetRow,
    PriceRow,
)
from neurorec.hardware.chips.evidence import Quantity
from neurorec.hardware.chips.link import Link, load_link
from neurorec.report.communication.sharing_answer import find_bytes, joules, mean, place, title_of
from neurorec.report.table import Amount, Column, Table

SHOWN_WORKERS = (2, 8, 64, 128, 1024)
PRICED_WORKERS = 8


def way_of(results: CommunicationResults, row: BytesRow | PriceRow) -> str:
    """ "samples shared, merged every update", "units shared, BPTT"."""
    return (
        f"samples shared, merged {row.merge}" if row.split == "data" else f"units shared, {title_of(results, row.rule)}"
    )


def ways(results: CommunicationResults, net: str) -> list[BytesRow]:
    """One row (for two workers) per way to share."""
    return [row for row in results.bytes if row.net == net and row.workers == 2]


def nets_table(results: CommunicationResults) -> Table:
    heads = ("network", "trained by", "inputs, units, outputs")
    columns = [*map(Column, heads), Column("steps", "number"), Column("samples", "number"), Column("trained numbers", "number"),
               Column("spikes per unit and step", "number"), Column("test score", "number")]  # fmt: skip
    rows = [
        [net.title, net.trained_by, f"{net.inputs}, {net.hidden}, {net.outputs}", net.steps, net.samples,
         net.trained_numbers, _range(net.activity) if net.activity else "sends values", _range(net.accuracy)]
        for net in results.nets
    ]  # fmt: skip
    return Table("The networks and one epoch of each", columns, rows)


def bytes_table(results: CommunicationResults, net: NetRow) -> Table:
    """Exact bytes; if seeds differ, their mean and range."""
    shown = [P for P in SHOWN_WORKERS if any(row.workers == P and row.net == net.net for row in results.bytes)]
    rows: list[list[Any]] = []
    for way in ways(results, net.net):
        found = [find_bytes(results, net.net, way.rule, way.merge, P) for P in shown]
        rows.append([way_of(results, way), *("too few units" if row is None else _sent(row) for row in found)])
    columns = [Column("way to share"), *(Column(f"{P} workers", "bytes") for P in shown)]
    return Table(f"{net.title}: bytes sent in one epoch", columns, rows, terminal=True)


def _sent(row: BytesRow) -> Amount:
    return Amount(mean(row.total_bytes), min(row.total_bytes), max(row.total_bytes))


def price_table(results: CommunicationResults, net: NetRow, workers: int = PRICED_WORKERS) -> Table:
    """Energy and time over every link, for every way to share."""
    found = {(r.link, r.rule, r.merge): r for r in results.prices if (r.net, r.workers) == (net.net, workers)}
    each = ways(results, net.net)
    columns = [Column("link")]
    for way in each:
        above = way_of(results, way)
        columns += [Column("energy", "energy", above=above), Column("time", "duration", above=above)]
    rows = [
        [link, *(cell for way in each for cell in _price_cells(found.get((link, way.rule, way.merge))))]
        for link in results.links
    ]
    return Table(
        f"{net.title}: energy and time of one epoch's messages between {workers} workers", columns, rows, look="fine"
    )


def _price_cells(row: PriceRow | None) -> list[Any]:
    if row is None or row.why_not:
        return ["", ""] if row is None else ["does not reach", ""]
    energy = time = None
    if row.energy_pJ is not None:
        energy = Amount(row.energy_pJ, row.energy_low_pJ, row.energy_high_pJ, row.energy_at_least)
    if row.time_s is not None:
        time = Amount(row.time_s, row.time_low_s, row.time_high_s, row.time_at_least)
    return [energy or "not known", time or "not known"]


def joules_table(results: CommunicationResults, net: NetRow, split: str) -> Table:
    """Number of workers from which communication costs more than computing: one column per rule and chip."""
    crossed = joules(results, net.net, split)
    places = list(dict.fromkeys((row.rule, _chip(row)) for row in crossed))
    by_place = {(row.link, row.rule, _chip(row)): row for row in crossed}
    rows = [
        [link, *(_crossed(by_place.get((link, *at))) for at in places)]
        for link in results.links
        if any((link, *at) in by_place for at in places)
    ]
    columns = [Column("link"), *(Column(f"{title_of(results, rule)} on {chip}") for rule, chip in places)]
    shared = "samples" if split == "data" else "units"
    caption = f"{net.title}, {shared} shared: number of workers from which messages cost more energy than computing"
    return Table(caption, columns, rows, look="fine")


def _chip(row: CrossRow) -> str:
    return row.second_thing.removeprefix("computing on ")


def _crossed(row: CrossRow | None) -> str:
    if row is None:
        return ""
    mark = {"first": "≤ ", "second": "≥ ", "both": "~ "}.get(row.at_least, "")
    if row.at is None:
        return place(row) + (" at one hop or mm" if row.at_least in ("first", "both") else "")
    return mark + place(row)


def other_crossovers(results: CommunicationResults) -> Table:
    """Over size, activity and time."""
    titles = {net.net: net.title for net in results.nets}
    rows = [
        [titles[row.net], f"{row.first_thing} exceeds {row.second_thing}" + (f" over {row.link}" if row.link else ""),
         title_of(results, row.rule), {"seconds": "seconds"}.get(row.kind, "bytes"), row.axis,
         "everywhere" if row.at == row.latest == row.first else place(row)]
        for row in results.crossovers if row.kind != "joules"
    ]  # fmt: skip
    heads = ("network", "comparison", "rule", "in", "along", "from [band]")
    return Table("Other crossovers", [Column(head) for head in heads], rows)


def ring_table(results: CommunicationResults) -> Table:
    heads = (
        "processes",
        "numbers",
        "formula, bytes",
        "sent, bytes",
        "messages",
        "over TCP, bytes",
        "TCP more, bytes per message",
    )
    rows = []
    for row in results.rings:
        more = "not counted by this system"
        if row.tcp_bytes is not None:
            more = f"{(row.tcp_bytes - row.payload_bytes) / row.messages:g}"
        rows.append([
            {"own": "neurorec's own", "gloo": "gloo's all_reduce"}[row.ring], row.workers, row.numbers, row.formula_bytes,
            row.payload_bytes, row.messages, row.tcp_bytes, more, "yes" if row.right else "NO",
        ])  # fmt: skip
    columns = [Column("ring"), *(Column(head, "number") for head in heads), Column("sum right")]
    return Table("One all-reduce between real processes on this machine", columns, rows)


def links_table(results: CommunicationResults) -> Table:
    rows = []
    for name in results.links:
        link: Link = load_link(name)
        energy, latency, bandwidth = (_quantity(fact) for fact in (link.energy, link.latency, link.bandwidth))
        up_to = link.workers.count if link.workers else "no limit found"
        evidence = ", ".join(f"{key}: {fact.known}, {fact.source}" for key, fact in link.facts().items())
        rows.append([name, link.joins, up_to, energy, link.priced_per, latency, bandwidth, evidence])
    heads = ("link", "joins", "up to", "pJ per bit", "priced per", "latency, ns", "Gbit/s", "evidence")
    return Table("Links", [Column(head) for head in heads], rows, look="fine")


def _quantity(fact: Quantity | None) -> str:
    if fact is None:
        return "not known"
    band = fact.as_band()
    return f"{band.value:g} [{band.low:g}–{band.high:g}]" if fact.has_band else f"{band.value:g}"


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    digits = 3 if high >= 0.01 else 5
    return f"{mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})" if low < high else f"{low:.{digits}f}"
