"""`neurorec run` and `neurorec report` of a communication study."""

from pathlib import Path

from rich.console import Console

from neurorec.experiments.communication.results import CommunicationResults
from neurorec.experiments.communication.run import run_communication
from neurorec.experiments.communication.study import load_communication
from neurorec.report.communication.answer import answer
from neurorec.report.communication.page import ring_verdict, write_report
from neurorec.report.communication.rows import load_communication_results
from neurorec.report.communication.tables import bytes_table


def run_and_report(study: str, folder: Path | None, quick: bool) -> int:
    """Run the study, print what it found, write its files. Returns 1 if the ring could not be checked, else 0."""
    loaded, console = load_communication(study), Console(highlight=False)
    console.print(f"[bold]{loaded.name}[/]: {loaded.card.question}")
    folder = folder or Path("runs") / (loaded.name + ("_quick" if quick else ""))
    results = run_communication(loaded, folder, quick=quick, say=lambda line: console.print(f"  {line}", markup=False))
    return _finish(results, console)


def rebuild(folder: Path) -> None:
    """Files and page again, from results.json."""
    _finish(load_communication_results(folder), Console(highlight=False))


def _finish(results: CommunicationResults, console: Console) -> int:
    for net in results.nets:
        table = bytes_table(results, net)
        console.print(f"\n{table.caption}", markup=False)
        for way, *cells in table.rows:
            found = zip(table.heads[1:], cells, strict=True)
            console.print(f"  {way}: " + "; ".join(f"{P} workers {cell}" for P, cell in found), markup=False)
    console.print()
    for line in (*answer(results), ring_verdict(results)):
        console.print(line, markup=False)
    path = write_report(results)
    console.print(f"report: {path}        table: {path.with_name('results.csv')}", markup=False)
    return int(bool(results.ring_failed))
