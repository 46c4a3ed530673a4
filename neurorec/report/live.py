"""Progress of `neurorec run`."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from neurorec.basics.quantities import duration
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.runner import Watcher


class Bars(Watcher):
    """A bar for the study and a line per active run; in a pipe, one plain line per finished run."""

    def __init__(self, console: Console) -> None:
        self.console, self.ended, self.total, self.stored = console, 0, 0, 0
        self.started, self.scores = time.monotonic(), dict[str, str]()
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
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

    def say(self, line: str) -> None:
        self.console.print(f"  {line}", markup=False, highlight=False)

    def begin(self, total: int, already_done: int) -> None:
        self.total, self.ended, self.stored, self.started = total, already_done, already_done, time.monotonic()
        if already_done:
            self.console.print(
                f"  {already_done} of {total} runs are already stored; running the other {total - already_done}"
            )
        if self.study is not None:
            self.bars.remove_task(self.study)
        self.study = self.bars.add_task("all runs", total=total, completed=already_done, score="")

    def progress(self, spec: RunSpec, epoch: int, epochs: int, score: str) -> None:
        if spec.run_id not in self.at_work:
            self.at_work[spec.run_id] = self.bars.add_task(spec.title, total=epochs, score="")
        said = self.scores[spec.run_id] = f"validation {score}" if score else ""
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
            self.console.print(f"  {self.ended}/{self.total} {self._line(spec)}", markup=False, highlight=False)

    def _line(self, spec: RunSpec) -> str:
        """The run, its last score, the time so far, and how long the others will take at this rate."""
        spent_s, left = time.monotonic() - self.started, self.total - self.ended
        rest = [f"about {duration(spent_s / (self.ended - self.stored) * left)} left"] if left else []
        score = self.scores.pop(spec.run_id, "")
        return f"{spec.title}: {', '.join(filter(None, [score, f'{duration(spent_s)} so far', *rest]))}"
