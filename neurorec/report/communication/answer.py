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
    said = []
    on_chip = [row for row in crossed if row.second_thing == chips[0] and row.link in results.report_links]
    said += [f"over {row.link} from {place(row)} workers on" for row in on_chip if row.at is not None]
    never = wording.listed([row.link for row in on_chip if row.at is None])
    more = wording.listed(said) if said else "over none of the links drawn here"
    rest = f", but nowhere within reach over {never}" if said and never else ""
    return f"{first}; that costs more joules than {chips[0]} {more}{rest}."


def _shared_units(results: CommunicationResults, net: NetRow, workers: int) -> str:
    sent = {rule: find_bytes(results, net.net, rule, "", workers) for rule in TITLES if rule != "any"}
    known = {rule: row for rule, row in sent.items() if row is not None}
    if not {"bptt", "stdp"} <= set(known):
        return "The first net was not counted for both BPTT and STDP, so the rules are not compared."
    least = mean(known["stdp"].total_bytes)
    others = [
        f"{TITLES[rule]} {wording.figures(mean(known[rule].total_bytes) / least, 2)}"
        for rule in ("bptt", "e-prop") if rule in known
    ]  # fmt: skip
    waits = known["stdp"].waits / known["bptt"].waits
    slower = [row for row in results.crossovers if row.kind == "seconds" and row.net == net.net and row.at is not None]
    where = wording.listed([f"over {row.link} from {place(row)}" for row in slower if row.link in results.report_links])
    return (
        f"When they share the units, {wording.listed(others)} times as many bytes cross as by STDP "
        f"({wording.data_size(least)}), which sends spikes and no error; but STDP learns from one sample after another and "
        f"waits for {wording.figures(waits, 2)} times as many messages as batches do"
        + (f", so it is the slower one {where} workers on." if where else ".")
    )


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
