"""The answer in two sentences, made of the study's numbers."""

from neurorec.experiments.communication.results import BytesRow, CommunicationResults, CrossRow, NetRow
from neurorec.report import wording

TITLES = {"bptt": "BPTT", "e-prop": "e-prop", "stdp": "STDP", "reward-stdp": "reward-modulated STDP", "any": "any rule"}
AT_MOST = 64  #: workers at which the sentences compare


def mean(values: list[int] | list[float]) -> float:
    return sum(values) / len(values)


def find_bytes(results: CommunicationResults, net: str, rule: str, merge: str, workers: int) -> BytesRow | None:
    rows = (row for row in results.bytes if (row.net, row.rule, row.merge, row.workers) == (net, rule, merge, workers))
    return next(rows, None)


def main_net(results: CommunicationResults) -> NetRow:
    return results.nets[0]


def workers_compared(results: CommunicationResults, net: str) -> int:
    """The most workers, up to AT_MOST, for which this net's units were shared."""
    return max(
        row.workers for row in results.bytes if row.net == net and row.split == "units" and row.workers <= AT_MOST
    )


def answer(results: CommunicationResults) -> tuple[str, str]:
    """First what sharing the samples costs, then what sharing the units costs."""
    net = main_net(results)
    workers = workers_compared(results, net.net)
    return _shared_data(results, net, workers), _shared_units(results, net, workers)


def _shared_data(results: CommunicationResults, net: NetRow, workers: int) -> str:
    often = find_bytes(results, net.net, "any", "every update", workers)
    once = find_bytes(results, net.net, "any", "once an epoch", workers)
    assert often is not None
    assert once is not None
    first = (
        f"When {workers} workers share the samples of {net.title}, they send {wording.data_size(mean(often.total_bytes))} "
        f"an epoch to merge their weight changes at every update, whatever the rule "
        f"({wording.data_size(mean(once.total_bytes))} if a rule can do with one merge an epoch)"
    )
    crossed = [row for row in joules(results, net.net, "data") if row.rule == "bptt"]
    chips = list(dict.fromkeys(row.second_thing for row in crossed))
    if not chips:
        return first + "."
    on_chip = [row for row in crossed if row.second_thing == chips[0] and row.link in results.report_links]
    never = wording.listed([row.link for row in on_chip if row.at is None])
    crossing = _grouped([row for row in on_chip if row.at is not None])
    more = crossing or "over none of the links drawn here"
    by = "by their values " if any(row.at is None and row.earliest is not None for row in on_chip) else ""
    rest = f", but {by}nowhere within reach over {never}" if crossing and never else ""
    bound = " (a lower estimate)" if any(row.at_least in ("second", "both") for row in on_chip) else ""
    return f"{first}; that costs more joules than {chips[0]}{bound} {more}{rest}."


def _shared_units(results: CommunicationResults, net: NetRow, workers: int) -> str:
    sent = {rule: find_bytes(results, net.net, rule, "", workers) for rule in TITLES if rule != "any"}
    known = {rule: row for rule, row in sent.items() if row is not None}
    if not {"bptt", "stdp"} <= set(known):
        return "The first net was not counted for both BPTT and STDP, so the rules are not compared."
    least = mean(known["stdp"].total_bytes)
    others = [
        f"{TITLES[rule]} sends {wording.figures(mean(known[rule].total_bytes) / least, 2)}"
        for rule in ("bptt", "e-prop") if rule in known
    ]  # fmt: skip
    waits = known["stdp"].waits / known["bptt"].waits
    slower = [row for row in results.crossovers if row.kind == "seconds" and row.net == net.net and row.at is not None]
    where = _grouped([row for row in slower if row.link in results.report_links])
    return (
        f"When they share the units, {wording.listed(others)} times the bytes of STDP ({wording.data_size(least)}), which "
        f"sends spikes and no error{_elsewhere(results, net)}; but STDP learns from one sample after another and waits for "
        f"{wording.figures(waits, 2)} times as many messages as BPTT in batches"
        + (f", so it is the slower one {where}." if where else ".")
    )


def _elsewhere(results: CommunicationResults, net: NetRow) -> str:
    """The same factor on the other nets that were counted for both rules: it depends on how often units spike."""
    said = []
    for other in results.nets:
        if other.net == net.net:
            continue
        workers = workers_compared(results, other.net)
        bptt, stdp = (find_bytes(results, other.net, rule, "", workers) for rule in ("bptt", "stdp"))
        if bptt is not None and stdp is not None and other.activity:
            factor = wording.figures(mean(bptt.total_bytes) / mean(stdp.total_bytes), 2)
            said.append(
                f"{factor} times on {other.title}, where a unit spikes in one step of {1 / mean(other.activity):,.0f}"
            )
    return f" (BPTT sends {wording.listed(said)})" if said else ""


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
    """Crossovers of communication with computing."""
    return [
        row for row in results.crossovers
        if row.kind == "joules" and row.net == net and row.first_thing == f"communication, {split} shared"
    ]  # fmt: skip


def place(row: CrossRow) -> str:
    """ "21 [8 to none]": where the values cross, and between what places the bands let it be."""
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
