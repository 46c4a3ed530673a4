"""Analyses of the trained networks of a study: refused before anything is trained, computed when all trainings are done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurorec.analysis.analysis import RunAnalysis, analysis_of
from neurorec.basics.errors import CannotRun
from neurorec.experiments.analyses.analysis_card import RunAnalysisCard, quickened
from neurorec.experiments.analyses.analysis_runs import AnalysisSpec, plan_one
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.store import RunStore
from neurorec.tasks.task import load_task


def refuse_analyses(cards: Sequence[RunAnalysisCard], pairs: Sequence[Any], seed: int) -> None:
    """Raises `InputError` for a training that no card has, `CannotRun` for a network that the analysis cannot examine."""
    halves = {pair.name: pair for pair in pairs}
    loaded = {name: load_task(name, seed) for name in dict.fromkeys(card.task for card in cards)}
    for card in cards:
        half, task = halves[card.pair].half(card.half), loaded[card.task]
        half.training(card.rule, card.task)
        reason = analysis_of(card.of, RunAnalysis)().why_not(half.outline(task.inputs, task.outputs), task)
        if reason is not None:
            raise CannotRun(f"analysis {card.called} of pair {card.pair}, {card.half} half, on {card.task}: {reason}")


def plan_of_trainings(
    cards: Sequence[RunAnalysisCard], specs: Sequence[RunSpec], folder: Path, quick: Any | None
) -> list[AnalysisSpec]:
    """One analysis per card, swept point and finished run. `quick`: the table of the card, in a quick run."""
    store, found = RunStore(folder), []
    for card in cards if quick is None else [quickened(card, quick) for card in cards]:
        wanted = (card.pair, card.half, card.rule, card.task, "")
        runs = [s for s in specs if (s.pair, s.half, s.rule, s.task, s.control) == wanted and store.has(s.run_id)]
        found += [
            plan_one(card, point, run.seed, store.done / run.run_id, f"{run.pair} {run.half} {run.rule} on {run.task}")
            for point in card.points() for run in runs
        ]  # fmt: skip
    return found
