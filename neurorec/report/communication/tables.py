"""Tables of a communication study, as heads and rows of text, for the page, the terminal and docs/."""

from dataclasses import dataclass

from neurorec.experiments.communication.results import BytesRow, CommunicationResults, NetRow, PriceRow
from neurorec.hardware.chips.evidence import Quantity
from neurorec.hardware.chips.link import Link, load_link
from neurorec.report import wording
from neurorec.report.communication.answer import TITLES, find_bytes, joules, mean, place

SHOWN_WORKERS = (2, 8, 64, 128, 1024)
PRICED_WORKERS = 8


@dataclass(frozen=True)
class Table:
    caption: str
    heads: list[str]
    rows: list[list[str]]


def way_of(row: BytesRow | PriceRow) -> str:
    """ "samples shared, merged every update", "units shared, BPTT"."""
    return f"samples shared, merged {row.merge}" if row.split == "data" else f"units shared, {TITLES[row.rule]}"


def ways(results: CommunicationResults, net: str) -> list[BytesRow]:
    """One row (of two workers) for each way to share."""
    return [row for row in results.bytes if row.net == net and row.workers == 2]


def nets_table(results: CommunicationResults) -> Table:
    heads = [
        "net",
        "trained by",
        "inputs, units, outputs",
        "steps",
        "samples",
        "trained numbers",
        "spikes a unit and step",
        "test accuracy",
    ]
    rows = [
        [net.title, net.trained_by, f"{net.inputs}, {net.hidden}, {net.outputs}", str(net.steps), f"{net.samples:,}",
         f"{net.trained_numbers:,}", _range(net.activity) if net.activity else "sends values", _range(net.accuracy)]
        for net in results.nets
    ]  # fmt: skip
    return Table("The nets and one epoch of each", heads, rows)


def bytes_table(results: CommunicationResults, net: NetRow) -> Table:
    """Exact bytes; where seeds differ, their mean and range."""
    shown = [P for P in SHOWN_WORKERS if any(row.workers == P and row.net == net.net for row in results.bytes)]
    rows = []
    for way in ways(results, net.net):
        found = [find_bytes(results, net.net, way.rule, way.merge, P) for P in shown]
        rows.append([way_of(way), *("no unit for each" if row is None else _sent(row) for row in found)])
    return Table(
        f"{net.title}: bytes sent in one epoch, by number of workers", ["way to share", *map(str, shown)], rows
    )


def _sent(row: BytesRow) -> str:
    text = wording.data_size(mean(row.total_bytes))
    low, high = (wording.data_size(end(row.total_bytes)) for end in (min, max))
    return text if low == high else f"{text} ({low} to {high})"


def price_table(results: CommunicationResults, net: NetRow, workers: int = PRICED_WORKERS) -> Table:
    """Joules and seconds over every link, for the ways that matter."""
    heads, columns = ["link"], []
    for way in ways(results, net.net):
        if way.rule != "reward-stdp":
            heads += [f"{way_of(way)}: energy", "time"]
            columns.append((way.rule, way.merge))
    rows = []
    for link in results.links:
        cells = [link]
        for rule, merge in columns:
            found = [
                row for row in results.prices
                if (row.net, row.rule, row.merge, row.workers, row.link) == (net.net, rule, merge, workers, link)
            ]  # fmt: skip
            cells += _price_cells(found[0]) if found else ["", ""]
        rows.append(cells)
    return Table(f"{net.title}: energy and time of one epoch's messages among {workers} workers", heads, rows)


def _price_cells(row: PriceRow) -> list[str]:
    if row.why_not:
        return ["does not reach", ""]
    energy, seconds = "not known", "not known"
    if row.energy_pJ is not None:
        energy = f"{wording.energy(row.energy_pJ, row.energy_at_least)} "
        energy += wording.energy_band(row.energy_low_pJ, row.energy_high_pJ, row.energy_pJ)
    if row.time_s is not None and row.time_low_s is not None and row.time_high_s is not None:
        seconds = ("≥ " if row.time_at_least else "") + wording.duration(row.time_s)
        if row.time_low_s < row.time_high_s:
            seconds += f" [{wording.duration(row.time_low_s)}–{wording.duration(row.time_high_s)}]"
    return [energy.strip(), seconds]


def joules_table(results: CommunicationResults, net: NetRow, split: str) -> Table:
    """From how many workers on communication costs more than computing: a column a rule and chip."""
    crossed = joules(results, net.net, split)
    columns = list(dict.fromkeys((row.rule, row.second_thing.removeprefix("computing on ")) for row in crossed))
    by_place = {(row.link, row.rule, row.second_thing.removeprefix("computing on ")): row for row in crossed}
    rows = [
        [link, *(_crossed(by_place.get((link, *column))) for column in columns)]
        for link in results.links
        if any((link, *column) in by_place for column in columns)
    ]
    heads = ["link", *(f"{TITLES[rule]} on {chip}" for rule, chip in columns)]
    shared = "samples" if split == "data" else "units"
    return Table(
        f"{net.title}, {shared} shared: workers from which on messages cost more joules than computing", heads, rows
    )


def _crossed(row) -> str:
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
         TITLES[row.rule], {"seconds": "seconds"}.get(row.kind, "bytes"), row.axis,
         "everywhere" if row.at == row.latest == row.first else place(row)]
        for row in results.crossovers if row.kind != "joules"
    ]  # fmt: skip
    return Table("Other crossovers", ["net", "what exceeds what", "rule", "in", "along", "from [band]"], rows)


def ring_table(results: CommunicationResults) -> Table:
    heads = [
        "ring",
        "processes",
        "numbers",
        "formula, bytes",
        "sent, bytes",
        "messages",
        "over TCP, bytes",
        "TCP more, bytes a message",
        "sum right",
    ]
    rows = []
    for row in results.rings:
        more = (
            "not counted by this system"
            if row.tcp_bytes is None
            else f"{(row.tcp_bytes - row.payload_bytes) / row.messages:g}"
        )
        tcp = "" if row.tcp_bytes is None else f"{row.tcp_bytes:,}"
        rows.append([
            {"own": "neurorec's own", "gloo": "gloo's all_reduce"}[row.ring], str(row.workers), f"{row.numbers:,}",
            f"{row.formula_bytes:,}", f"{row.payload_bytes:,}", str(row.messages), tcp, more, "yes" if row.right else "NO",
        ])  # fmt: skip
    return Table("One all-reduce among real processes on this machine", heads, rows)


def links_table(results: CommunicationResults) -> Table:
    rows = []
    for name in results.links:
        link: Link = load_link(name)
        found = [_quantity(fact) for fact in (link.energy, link.latency, link.bandwidth)]
        up_to = str(link.workers.count) if link.workers else "no limit read"
        evidence = ", ".join(f"{key}: {fact.known}, {fact.source}" for key, fact in link.facts().items())
        rows.append([name, link.joins, up_to, found[0], link.priced_per, found[1], found[2], evidence])
    heads = ["link", "joins", "up to", "pJ a bit", "priced per", "latency, ns", "Gbit/s", "evidence"]
    return Table("Links", heads, rows)


def _quantity(fact: Quantity | None) -> str:
    if fact is None:
        return "not known"
    band = fact.as_band()
    return f"{band.value:g} [{band.low:g}–{band.high:g}]" if fact.has_band else f"{band.value:g}"


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    digits = 3 if high >= 0.01 else 5
    return f"{mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})" if low < high else f"{low:.{digits}f}"
