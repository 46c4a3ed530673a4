"""The answer in two sentences, generated from the study's numbers."""

from neurorec.basics.errors import needed
from neurorec.experiments.communication.communication_results import BytesRow, CommunicationResults, CrossRow, NetRow
from neurorec.report import wording

AT_MOST = 64  #: number of workers in the comparison


def mean(values: list[int] | list[float]) -> float:
    return sum(values) / len(values)


def title_of(results: CommunicationResults, rule: str) -> str:
    """The title of a rule; "any rule" if it makes no difference."""
    return results.rules[rule].title if rule in results.rules else "any rule"


def find_bytes(results: CommunicationResults, net: str, rule: str, merge: str, workers: int) -> BytesRow | None:
    rows = (row for row in results.bytes if (row.net, row.rule, row.merge, row.workers) == (net, rule, merge, workers))
    return next(rows, None)


def main_net(results: CommunicationResults) -> NetRow:
    return results.nets[0]


def workers_compared(results: CommunicationResults, net: str) -> int:
    """The largest number of workers, up to AT_MOST, that shared this network's units."""
    return max(
        row.workers for row in results.bytes if row.net == net and row.split == "units" and row.workers <= AT_MOST
    )


def answer(results: CommunicationResults) -> tuple[str, str]:
    """First the cost of sharing samples, then that of sharing units."""
    net = main_net(results)
    workers = workers_compared(results, net.net)
    return _shared_data(results, net, workers), _shared_units(results, net, workers)


def _shared_data(results: CommunicationResults, net: NetRow, workers: int) -> str:
    often, once = (
        needed(
            find_bytes(results, net.net, "any", merge, workers),
            f"these results have no bytes of {net.title} on {workers} workers merged {merge}; run the study again",
        )
        for merge in ("every update", "once per epoch")
    )
    first = (
        f"When {workers} workers share the samples of {net.title}, they send {wording.data_size(mean(often.total_bytes))} "
        f"per epoch to merge their weight changes at every update, whatever the rule "
        f"({wording.data_size(mean(once.total_bytes))} for a rule that needs only one merge per epoch)"
    )
    crossed = joules(results, net.net, "data")
    crossed = [row for row in crossed if row.rule == crossed[0].rule]  # the first rule for which a chip has a price
    chips = list(dict.fromkeys(row.second_thing for row in crossed))
    if not chips:
        return first + "."
    on_chip = [row for row in crossed if row.second_thing == chips[0] and row.link in results.report_links]
    never = wording.listed([row.link for row in on_chip if row.at is None])
    crossing = _grouped([row for row in on_chip if row.at is not None])
    more = crossing or "over none of the plotted links"
    by = "according to the values " if any(row.at is None and row.earliest is not None for row in on_chip) else ""
    rest = f", but {by}nowhere within reach over {never}" if crossing and never else ""
    bound = " (a lower estimate)" if any(row.at_least in ("second", "both") for row in on_chip) else ""
    return f"{first}; this takes more energy than {chips[0]}{bound} {more}{rest}."


def _shared_units(results: CommunicationResults, net: NetRow, workers: int) -> str:
    """All batch rules compared with the one that sends least."""
    sent = {rule: row for rule in results.rules if (row := find_bytes(results, net.net, rule, "", workers)) is not None}
    if len(sent) < 2:
        return "The first network was counted for only one rule, so rules are not compared."
    least = min(sent, key=lambda rule: mean(sent[rule].total_bytes))
    batched = [rule for rule in sent if rule != least and not results.rules[rule].online]
    if not batched:
        return "No batch rule was counted on the first network, so rules are not compared."
    title, bytes_least = title_of(results, least), mean(sent[least].total_bytes)
    others = [
        f"{title_of(results, rule)} sends {wording.figures(mean(sent[rule].total_bytes) / bytes_least, 2)}"
        for rule in batched
    ]
    said = f"When they share the units, {wording.listed(others)} times the bytes of {title} ({wording.data_size(bytes_least)})"
    said += ", which sends spikes but no errors" * (not results.rules[least].errors) + _elsewhere(
        results, net, batched[0], least
    )
    return said + (_waiting(results, net, sent, batched[0], least) if results.rules[least].online else ".")


def _waiting(
    results: CommunicationResults, net: NetRow, sent: dict[str, BytesRow], batched: str, online: str
) -> str:  # fmt: skip
    """The cost in time of processing samples one by one."""
    waits = sent[online].waits / sent[batched].waits
    slower = [row for row in results.crossovers if row.kind == "seconds" and row.net == net.net and row.at is not None]
    where = _grouped([row for row in slower if row.link in results.report_links])
    said = (
        f"; but {title_of(results, online)} processes samples one by one and waits for {wording.figures(waits, 2)} "
        f"times as many messages as {title_of(results, batched)} in batches"
    )
    return said + (f", so it is slower {where}." if where else ".")


def _elsewhere(results: CommunicationResults, net: NetRow, more: str, less: str) -> str:
    """The same factor for other networks counted for both rules: it depends on firing rates."""
    said = []
    for other in results.nets:
        if other.net == net.net:
            continue
        workers = workers_compared(results, other.net)
        rows = [find_bytes(results, other.net, rule, "", workers) for rule in (more, less)]
        if rows[0] is not None and rows[1] is not None and other.activity:
            factor = wording.figures(mean(rows[0].total_bytes) / mean(rows[1].total_bytes), 2)
            steps = 1 / mean(other.activity)
            said.append(f"{factor} times as much on {other.title}, where a unit spikes once in {steps:,.0f} steps")
    return f" ({title_of(results, more)} sends {wording.listed(said)})" if said else ""


def _grouped(rows: list[CrossRow]) -> str:
    """ "over a and b from 2 workers on, over c from 9 (the bands leave 5 to none)"."""
    places: dict[str, list[str]] = {}
    for row in rows:
        places.setdefault(_in_words(row), []).append(row.link)
    return wording.listed([f"over {wording.listed(links)} from {where}" for where, links in places.items()])


def _in_words(row: CrossRow) -> str:
    if row.at == row.earliest == row.latest:
        return f"{_number(row.at)} workers on"
    latest = "never" if row.latest is None else _number(row.latest)
    return f"{_number(row.at)} workers on (the bands leave {_number(row.earliest)} to {latest})"


def joules(results: CommunicationResults, net: str, split: str) -> list[CrossRow]:
    """Crossovers of communication and computing."""
    return [
        row for row in results.crossovers
        if row.kind == "joules" and row.net == net and row.first_thing == f"communication, {split} shared"
    ]  # fmt: skip


def place(row: CrossRow) -> str:
    """ "21 [8 to none]": where the values cross, and the range within the bands."""
    if row.at is None:
        possible = f" (possible from {_number(row.earliest)})" if row.earliest is not None else ""
        return f"none up to {_number(row.last)}{possible}"
    if row.at == row.latest == row.first:
        return _number(row.at)
    latest = "none" if row.latest is None else _number(row.latest)
    return f"{_number(row.at)} [{_number(row.earliest)} to {latest}]"


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if value >= 1 else wording.figures(value, 2)
