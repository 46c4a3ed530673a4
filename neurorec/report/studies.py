"""Run and report a study of any kind; report it again from stored results; publish its findings."""

import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from neurorec.basics.errors import InputError, Stopped
from neurorec.basics.files import write_atomically
from neurorec.basics.plain import write_plain
from neurorec.experiments.folder import held
from neurorec.experiments.kind import Asked, StudyKind, run_kind, study_kinds
from neurorec.experiments.kinds import kind_of
from neurorec.experiments.runner import Interrupted
from neurorec.report.console import plain_console
from neurorec.report.ledger import write_ledger
from neurorec.report.live import Bars
from neurorec.report.page import Page, html, markdown, overview
from neurorec.report.pages import page_of
from neurorec.report.table import to_csv
from neurorec.report.terminal import print_page


def run_asked(asked: Asked, details: bool = True) -> int:
    """Run the requested study and report it; without `details`, only its answer is printed. Returns the number of failures.

    Raises
    ------
    InputError
        For anything that cannot work; nothing was started.
    Stopped
        After Ctrl-C, saying how to continue.
    """
    kind, console = study_kinds[kind_of(asked.study)](), plain_console()
    prepared = kind.prepare(asked)
    prepared.check_folder()
    console.print(Text.assemble((prepared.study.name, "bold"), f": {prepared.study.card.question}"))
    for line in prepared.plan:
        console.print(f"  {line}")
    watcher = Bars(console)
    try:
        with held(prepared.folder):
            with watcher.bars:
                results = run_kind(kind, prepared, watcher)
            return _finish(results, console, details)
    except Interrupted as stop:
        raise Stopped(str(stop)) from None
    except KeyboardInterrupt:
        raise Stopped("stopped; all finished runs are stored. The same command continues from there") from None


def rebuild_folder(folder: Path, to: Path | None = None) -> tuple[int, list[Path]]:
    """`neurorec report`: rebuild tables, files and page without training, and publish them to the folder `to`. Returns the
    number of failed and damaged runs, and what was published.

    Raises
    ------
    InputError
        If nothing is stored, the stored results are damaged, or they may not be published; before anything is printed.
    """
    results = load_results(folder)
    if to is not None:
        _check_publishable(results)
    with held(folder):
        failed = _finish(results, plain_console())
    return failed, publish(folder, to) if to is not None else []


def load_results(folder: str | Path) -> Any:
    """The stored results of a study of any kind. Raises `InputError` if the folder has none from this version."""
    return _kind_in(Path(folder)).restore(Path(folder))


def _kind_in(folder: Path) -> StudyKind:
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder; give the folder of a study's results, e.g. runs/backprop_vs_stdp"
        )
    card = folder / "study.toml"
    return study_kinds[kind_of(card) if card.is_file() else "training"]()


def write_report(results: Any) -> Path:
    """Write results.csv, findings.json, summary.md and report.html to the study's folder; returns the page's path."""
    page, folder = page_of(results), results.folder
    write_atomically(folder / "results.csv", to_csv(*page.data))
    if page.findings is not None:
        write_plain(page.findings, folder / "findings.json")
    write_atomically(folder / "summary.md", markdown(page))
    if overview(page):
        write_atomically(folder / "overview.svg", overview(page))
    return write_atomically(folder / "report.html", html(page))


def publish(folder: Path, target: Path) -> list[Path]:
    """Copy the findings of a finished study to `target` (docs/results), and regenerate the ledger next to it.

    Raises
    ------
    InputError
        If the folder has no findings, or those of a quick run.
    """
    results = load_results(folder)
    _check_publishable(results)
    findings = results.findings
    if findings is None or not (folder / "findings.json").is_file():
        raise InputError(f"{folder}: there is no findings.json; run the study again with this version")
    target.mkdir(parents=True, exist_ok=True)
    copies = {
        "findings.json": f"{findings.study}.json",
        "summary.md": f"{findings.study}.md",
        "overview.svg": f"{findings.study}.svg",
    }
    written = [
        Path(shutil.copy(folder / name, target / copy)) for name, copy in copies.items() if (folder / name).is_file()
    ]
    return [*written, write_ledger(target)]


def _check_publishable(results: Any) -> None:
    if results.quick:
        raise InputError(
            f"{results.folder}: this was a quick run, which is a smoke test and not a result; run the study in full"
        )


def _finish(results: Any, console: Console, details: bool = True) -> int:
    page: Page = page_of(results)
    print_page(page, console, details)
    path = write_report(results)
    console.print(f"report: {path}        table: {path.with_name('results.csv')}", highlight=False)
    return len(page.failures)
