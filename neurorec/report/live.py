"""What `neurorec run` shows while it works, and the report it ends with."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from neurorec.basics.errors import InputError, Stopped
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.results import StudyResults
from neurorec.experiments.runner import Interrupted, Watcher
from neurorec.experiments.verbs import PreparedStudy, run_study
from neurorec.report.page import write_report
from neurorec.report.rows import load_results
from neurorec.report.terminal import print_results


class Bars(Watcher):
    """A bar for the study and a line for each run at work; on a pipe, one plain line for each run that ends."""

    def __init__(self, console: Console) -> None:
        self.console, self.ended, self.total = console, 0, 0
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[score]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.study: TaskID | None = None
        self.at_work: dict[str, TaskID] = {}

    def begin(self, total: int, already_done: int) -> None:
        self.total, self.ended = total, already_done
        if already_done:
            self.console.print(
                f"  {already_done} of {total} runs are stored already; doing the other {total - already_done}"
            )
        self.study = self.bars.add_task("all runs", total=total, completed=already_done, score="")

    def progress(self, spec: RunSpec, epoch: int, epochs: int, score: str) -> None:
        if spec.run_id not in self.at_work:
            self.at_work[spec.run_id] = self.bars.add_task(spec.title, total=epochs, score="")
        said = f"validation {score}" if score else ""
        self.bars.update(self.at_work[spec.run_id], completed=epoch, score=said)

    def finished(self, spec: RunSpec, reason: str) -> None:
        self.ended += 1
        if spec.run_id in self.at_work:
            self.bars.remove_task(self.at_work.pop(spec.run_id))
        if self.study is not None:
            self.bars.update(self.study, completed=self.ended)
        if reason:
            self.console.print(f"  FAILED {spec.title}: {reason}", markup=False, highlight=False)
        elif not self.console.is_terminal:
            self.console.print(f"  {self.ended}/{self.total} {spec.title}", markup=False, highlight=False)


def run_and_report(prepared: PreparedStudy) -> int:
    """Run a prepared study with progress bars, print its tables, write its files. Returns how many runs failed.

    Raises
    ------
    Stopped
        After Ctrl-C, saying how to continue.
    """
    console = Console()
    seeds, tasks = ({getattr(spec, key) for spec in prepared.specs} for key in ("seed", "task"))
    trainings = len({(s.pair, s.half, s.rule, s.task, s.control) for s in prepared.specs if s.pair})
    console.print(f"[bold]{prepared.study.name}[/]: {prepared.study.card.question}")
    console.print(
        f"  {trainings} trainings x {len(seeds)} seeds on {len(tasks)} tasks, {prepared.jobs} at a time"
        + ("; quick: a look at the machinery, not a result" if prepared.quick else "")
    )
    engines = sorted(
        {f"{spec.engine} for {spec.pair} ({spec.half})" for spec in prepared.specs if spec.engine not in ("", "torch")}
    )
    console.print(f"  engines: {', '.join(engines) or 'torch'}; torch for the rest", highlight=False)
    watcher = Bars(console)
    try:
        with watcher.bars:
            results = run_study(prepared, watcher)
    except Interrupted as stop:
        raise Stopped(str(stop)) from None
    return _finish(results, console)


def rebuild(folder: Path) -> None:
    """The `report` verb: tables, files and page again, from results.json and the stored runs."""
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder; give the folder of a study's results, e.g. runs/backprop_vs_stdp"
        )
    _finish(load_results(folder), Console())


def _finish(results: StudyResults, console: Console) -> int:
    print_results(results, console)
    page = write_report(results)
    console.print(f"report: {page}        table: {page.with_name('results.csv')}", markup=False, highlight=False)
    return sum(run.status == "failed" for run in results.runs)
