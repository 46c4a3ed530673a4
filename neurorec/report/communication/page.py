"""One self-contained page of a communication study, its files, and the summary for docs/."""

from pathlib import Path
from typing import Any

from neurorec.basics.cards import read_toml
from neurorec.basics.files import write_atomically
from neurorec.experiments.communication.results import CommunicationResults, NetRow
from neurorec.report.communication import plots, tables
from neurorec.report.communication.answer import answer
from neurorec.report.communication.rows import write_files
from neurorec.report.page import render
from neurorec.report.plots.style import Plot
from neurorec.report.tables import source_texts


def write_report(results: CommunicationResults) -> Path:
    """Write results.csv, results.json, summary.md and report.html; the page's path comes back."""
    write_files(results)
    write_atomically(results.folder / "summary.md", summary(results))
    return write_atomically(results.folder / "report.html", page(results))


def page(results: CommunicationResults) -> str:
    return render("communication/template.html", contents(results))


def contents(results: CommunicationResults) -> dict[str, Any]:
    """Everything the template sets, as plain data."""
    return {
        "results": results,
        "answer": answer(results),
        "nets": tables.nets_table(results),
        "sections": [section(results, net) for net in results.nets],
        "others": tables.other_crossovers(results),
        "rings": tables.ring_table(results),
        "ring_verdict": ring_verdict(results),
        "links": tables.links_table(results),
        "assumed": assumed(),
        "sources": source_texts(results.sources),
    }


def assumed() -> list[tuple[str, str]]:
    """(what about, what is assumed)."""
    texts = read_toml(Path(__file__).with_name("assumptions.toml"))
    return [(name, text.replace("\n", " ")) for name, text in texts.items()]


def section(results: CommunicationResults, net: NetRow) -> dict[str, Any]:
    """One net: its tables and plots; computing is drawn for the first rule that a chip is priced for."""
    priced = [row for row in results.computing if row.net == net.net and row.energy_pJ is not None]
    drawn: list[Plot | None] = [plots.bytes_plot(results, net, "data"), plots.bytes_plot(results, net, "units")]
    for split in ("data", "units"):
        if priced:
            drawn.append(plots.joules_plot(results, net, split, priced[0].rule, priced[0].chip))
    drawn += [plots.seconds_plot(results, net, split) for split in ("data", "units")]
    drawn.append(plots.size_plot(results, net))
    return {
        "net": net,
        "bytes": tables.bytes_table(results, net),
        "joules": [tables.joules_table(results, net, split) for split in ("data", "units")] if priced else [],
        "prices": tables.price_table(results, net),
        "plots": [plot for plot in drawn if plot is not None],
    }


def ring_verdict(results: CommunicationResults) -> str:
    """What the processes showed."""
    if not results.rings:
        return f"The ring could not be checked on this machine: {results.ring_failed}."
    equal = all(row.formula_bytes == row.payload_bytes and row.right for row in results.rings)
    if not equal:
        return "The bytes of at least one ring differ from the formula, or a sum was wrong: see the table."
    more = {(row.tcp_bytes - row.payload_bytes) / row.messages for row in results.rings if row.tcp_bytes is not None}
    said = "Every ring sent exactly the bytes of the formula, and every sum was right."
    if len(more) == 1:
        said += (
            f" What the kernel counted on the sockets is the same, and {more.pop():g} bytes of gloo's headers for every "
            "message; nothing else."
        )
    return f"{said} {results.ring_failed}".strip()


def summary(results: CommunicationResults) -> str:
    """The study as Markdown, for docs/communication.md."""
    parts = [
        "# Communication of training",
        f"Written by `neurorec run {results.study}` (its summary.md); nothing here is typed by hand."
        + (" A QUICK RUN: not a result." if results.quick else ""),
        " ".join(answer(results)),
        "Marks: ≥ a lower estimate; ≤ an upper one; ~ both sides are lower estimates; [a to b] where the bands let a "
        "crossover be.",
        "## Nets", _markdown(tables.nets_table(results)),
    ]  # fmt: skip
    for net in results.nets:
        found = section(results, net)
        parts += [f"## {net.title}", _markdown(found["bytes"]), _markdown(found["prices"])]
        parts += [_markdown(table) for table in found["joules"]]
    parts += ["## Other crossovers", _markdown(tables.other_crossovers(results))]
    parts += ["## The ring among real processes", ring_verdict(results), _markdown(tables.ring_table(results))]
    parts += ["## What is assumed", "\n".join(f"* **{name}.** {text}" for name, text in assumed())]
    parts += ["## Links", _markdown(tables.links_table(results)), "\n".join(f"* {note}" for note in results.notes)]
    return "\n\n".join(parts) + "\n"


def _markdown(table: tables.Table) -> str:
    rows = [table.heads, ["---"] * len(table.heads), *table.rows]
    return f"{table.caption}:\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)
