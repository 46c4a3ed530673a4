"""The page of a communication study."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from neurorec.basics.cards import read_toml
from neurorec.experiments.communication.communication_results import CommunicationResults, NetRow, PriceRow
from neurorec.report.communication import traffic_plots as plots
from neurorec.report.communication import traffic_tables as tables
from neurorec.report.communication.sharing_answer import answer
from neurorec.report.page import Page, page_of
from neurorec.report.parts import Facts, Fold, Notes, Plots, Section, Text
from neurorec.report.plots.style import Plot

ABOUT_NETS = (
    "Trained as defined by their pair cards, then observed for one epoch of the training samples. Mean over seeds, lowest and"
    " highest in brackets."
)
ABOUT_NET = (
    "Samples shared: replicas merge their weight changes, whatever the rule. Units shared: workers exchange spikes and "
    "the messages of the rule. Crosses mark where communication begins to cost more than computing; shading"
    " shows the bands of prices and seeds."
)
MARKS = (
    "≥ a lower estimate; ≤ an upper one; ~ both sides are lower estimates; [a to b] the range of the crossover"
    " within the bands; none: not on this axis."
)
ABOUT_OTHERS = (
    "Over size and activity, the network is a description with all-to-all connections, shared by two workers: bytes of both "
    "splits are proportional to the number of workers minus one, so their order does not depend on it."
)
COUNTS = ("total_bytes", "spikes", "forward_values", "errors", "signals", "merged")


@page_of.register(CommunicationResults)
def communication_page(results: CommunicationResults) -> Page:
    return Page(
        study=results.study, question=results.question, answer=answer(results), quick=results.quick,
        findings=results.findings, failures=results.failures,
        sections=[
            Section("nets", "Nets", [Text(ABOUT_NETS), tables.nets_table(results)]),
            *(Section(f"net{n}", net.title, _net(results, net)) for n, net in enumerate(results.nets, 1)),
            Section("others", "Other crossovers", [Text(ABOUT_OTHERS), tables.other_crossovers(results)]),
            Section("ring", "The ring between real processes",
                    [Notes([ring_verdict(results)], terminal=True), *([tables.ring_table(results)] if results.rings else [])]),
            Section("assumed", "Assumptions", [Facts(assumed())]),
            Section("links", "Links", [tables.links_table(results)]),
        ],
        how=[(name, text) for name, _, text in (note.partition(": ") for note in results.notes)],
        sources=results.sources, data=csv_data(results),
    )  # fmt: skip


def _net(results: CommunicationResults, net: NetRow) -> list[Any]:
    """Tables and plots of one network."""
    priced = any(row.net == net.net and row.energy_pJ is not None for row in results.computing)
    crossed = [tables.joules_table(results, net, split) for split in ("data", "units")] if priced else []
    return [
        Text(ABOUT_NET), Plots(lambda: _drawn(results, net)), tables.bytes_table(results, net), Notes([MARKS]),
        *crossed, Fold("Energy and time over every link", [tables.price_table(results, net)]),
    ]  # fmt: skip


def _drawn(results: CommunicationResults, net: NetRow) -> list[Plot]:
    """Computing is plotted for the first rule for which a chip has a price."""
    priced = next((row for row in results.computing if row.net == net.net and row.energy_pJ is not None), None)
    drawn = [plots.bytes_plot(results, net, "data"), plots.bytes_plot(results, net, "units")]
    for split in ("data", "units"):
        if priced is not None:
            drawn.append(plots.joules_plot(results, net, split, priced.rule, priced.chip))
    drawn += [plots.seconds_plot(results, net, split) for split in ("data", "units")]
    drawn.append(plots.size_plot(results, net))
    return [plot for plot in drawn if plot is not None]


def assumed() -> list[tuple[str, str]]:
    """(topic, assumption)."""
    texts = read_toml(Path(__file__).with_name("assumptions.toml"))
    return [(name, text.replace("\n", " ").strip()) for name, text in texts.items()]


def ring_verdict(results: CommunicationResults) -> str:
    """Result of the check with processes."""
    if not results.rings and not results.ring_failed:
        return "The ring was not checked in this run: its card has no ring_workers."
    if not results.rings:
        return f"The ring could not be checked on this machine: {results.ring_failed}."
    equal = all(row.formula_bytes == row.payload_bytes and row.right for row in results.rings)
    if not equal:
        return "The bytes of at least one ring differ from the formula, or a sum was wrong; see the table."
    more = {(row.tcp_bytes - row.payload_bytes) / row.messages for row in results.rings if row.tcp_bytes is not None}
    said = "Every ring sent exactly the number of bytes of the formula, and every sum was exact."
    if len(more) == 1:
        said += (
            f" The kernel's counts on the sockets are the same, plus {more.pop():g} bytes of gloo's headers per "
            "message."
        )
    return f"{said} {results.ring_failed}".strip()


def csv_data(results: CommunicationResults) -> tuple[list[str], list[list[Any]]]:
    """One row per network, way to share, number of workers and link; counts are means over seeds."""
    heads = [*(field.name for field in fields(PriceRow)), *COUNTS, "waits"]
    counted = {(row.net, row.split, row.rule, row.merge, row.workers): row for row in results.bytes}
    rows = []
    for price in results.prices:
        row = counted[price.net, price.split, price.rule, price.merge, price.workers]
        means = {name: sum(values) / len(values) for name in COUNTS if (values := getattr(row, name))}
        found = asdict(price) | means | {"waits": row.waits}
        rows.append([found.get(head, "") for head in heads])
    return heads, rows
