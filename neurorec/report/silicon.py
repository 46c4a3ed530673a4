"""`neurorec run silicon_validation`: check, print, and write the page, its text for docs/, its data and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError
from neurorec.basics.files import write_atomically
from neurorec.experiments.silicon.checks import Checked, check_silicon
from neurorec.experiments.silicon.score import Score
from neurorec.experiments.silicon.study import LoadedValidation, load_validation
from neurorec.report.page import render
from neurorec.report.plots.silicon import overview, silicon_plot
from neurorec.report.silicon_text import cells_of, heads, report_data, report_text

if TYPE_CHECKING:
    from neurorec.report.studies import Asked


def run_validation(asked: Asked) -> int:
    """Everything in seconds; nothing fails halfway, so nothing is counted as failed."""
    asked.refuse_training_options("trains nothing")
    if asked.quick:
        raise InputError(f"--quick: {asked.study} takes seconds as it is; leave it out")
    study = load_validation(asked.study)
    _write(study, asked.out or Path("runs") / study.name)
    return 0


def rebuild_validation(folder: Path) -> None:
    _write(load_validation(folder / "study.toml"), folder)


def _write(study: LoadedValidation, folder: Path) -> None:
    name = "silicon_validation" if study.path.name == "study.toml" else study.name
    checked, console = check_silicon(study.card), Console(highlight=False)
    console.print(f"[bold]{name}[/]: {study.card.question}")
    console.print(_table(checked.scores))
    for line in filter(None, [checked.left_out]):
        console.print(line, markup=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        card = study.path.read_text(encoding="utf-8")
        write_atomically(folder / "study.toml", card)
        write_atomically(folder / "silicon_validation.md", report_text(checked, name, study.card.question))
        write_atomically(folder / "silicon_validation.json", report_data(checked))
        write_atomically(folder / "silicon_validation.svg", overview(checked.scores))
        page = write_atomically(folder / "report.html", _page(study, name, checked))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another with --out") from None
    console.print(f"report: {page}        text: {page.with_name('silicon_validation.md')}", markup=False)


def _table(scores: list[Score]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for at, head in enumerate(heads()[:7]):
        table.add_column(head, justify="right" if at else "left")
    for score in scores:
        table.add_row(*cells_of(score)[:7])
    return table


def answer(scores: list[Score]) -> str:
    """The mean errors against their targets, in one or two sentences."""
    told = [
        f"{s.name}: {s.mean_error:.1%} (target {s.target})"
        for s in scores
        if s.mean_error is not None and "mean" in s.target
    ]
    beaten = [s for s in scores if s.mean_error is not None and s.rival_factors is not None]
    better = sum(max(s.rival_factors[1], 1 / max(s.rival_factors[0], 1e-9)) > (s.worst_factor or 1.0) for s in beaten)  # type: ignore[index]
    against = (
        f"Worst point against worst point, one price an operation is farther off in {better} of {len(beaten)} sets."
    )
    farthest = max((s for s in scores if s.worst_factor is not None), key=lambda s: s.worst_factor or 0.0)
    loss = f"Farthest off: {farthest.name}, by a factor of {farthest.worst_factor:.3g}."
    return " ".join([*([f"Mean errors: {'; '.join(told)}."] if told else []), loss, against])


def _page(study: LoadedValidation, name: str, checked: Checked) -> str:
    contents: dict[str, Any] = {
        "name": name,
        "question": study.card.question,
        "answer": answer(checked.scores),
        "heads": heads(),
        "rows": [cells_of(score) for score in checked.scores],
        "remarks": [*filter(None, [checked.left_out]), *checked.remarks],
        "drawn": [plot for plot in map(silicon_plot, checked.scores) if plot is not None],
        "blind": checked.blind,
        "sources": [cite(source) for source in study.sources()],
    }
    return render("silicon.html", contents)
