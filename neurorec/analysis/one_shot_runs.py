"""What a network recognises after one example: Omniglot's published runs, compared with the modified Hausdorff distance."""

from functools import cache
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, Image, Images
from neurorec.basics.cards import Card
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.hausdorff import Outline, closest
from neurorec.tasks.objectives.one_shot import RUN, choices
from neurorec.tasks.omniglot import WAYS, OneShotRun, PublishedRuns
from neurorec.tasks.task import Task

BASELINE = "modified Hausdorff distance"


class OneShotRunsSettings(Card):
    runs: Annotated[int, Field(ge=1, le=20)]  #: the first ones
    shown: Annotated[
        int, Field(ge=0, le=20)
    ]  #: runs drawn, spread from the one with the fewest errors to the one with most


@analyses.register("one_shot_runs")
class OneShotRuns(RunAnalysis):
    """In each run, 20 drawings of new characters are recognised after one drawing of each by another person. The modified
    Hausdorff distance is computed on the original drawings of 105 x 105 pixels."""

    about = "Drawings of new characters, recognised after one example of each"
    sources = ("lake2015", "omniglot", "dubuisson1994")
    through_time = False
    Settings = OneShotRunsSettings
    example: ClassVar = {"runs": 1, "shown": 1}
    gives: ClassVar = {
        "error": Value("share of the test drawings assigned to the wrong character", "", False),
        "largest error": Value("error in the run with the most errors", "", False),
        "Hausdorff error": Value(f"error of the nearest neighbour by the {BASELINE}", "", False),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        return reason or (None if isinstance(task.objective, PublishedRuns) else "the task is not Omniglot's runs")

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: OneShotRunsSettings, seed: int) -> Found:
        objective: PublishedRuns = task.objective  # type: ignore[assignment]
        batch = task.split("test")
        batch = batch.take((batch.answers[:, RUN] < settings.runs).nonzero()[:, 0])
        y = choose_engine("auto", network).answers(network, batch, objective)
        chosen = (choices(y, batch.answers)[1] % (2 * WAYS)).reshape(settings.runs, WAYS)
        right = torch.stack([torch.from_numpy(run.right) for run in objective.runs[: settings.runs]])
        errors = (chosen != right).double().mean(1)
        order = errors.argsort(stable=True)
        places = torch.linspace(0, settings.runs - 1, min(settings.shown, settings.runs)).round().long()
        figures = [shown_run(k, objective.runs[k], chosen[k]) for k in order[places].tolist()]
        hausdorff = sum(hausdorff_errors(k) for k in range(settings.runs)) / (WAYS * settings.runs)
        values = {"error": float(errors.mean()), "largest error": float(errors.max()), "Hausdorff error": hausdorff}
        return Found(values, tuple(figures), {"error": (BASELINE, hausdorff)})


@cache
def hausdorff_errors(number: int) -> int:
    """Errors of the nearest neighbour in a run, by the modified Hausdorff distance."""
    run = PublishedRuns().runs[number]
    training = [Outline(ink) for ink in run.training]
    return sum(closest(Outline(ink), training) != right for ink, right in zip(run.tests, run.right, strict=True))


def shown_run(number: int, run: OneShotRun, chosen: Tensor) -> Images:
    """The drawings of a run: the numbered examples, and what each of the others was taken for."""
    tests = [
        Image(small(ink), f"{pick + 1}" if pick == right else f"{pick + 1} ({right + 1})",
              "right" if pick == right else "wrong")
        for ink, pick, right in zip(run.tests, chosen.tolist(), run.right.tolist(), strict=True)
    ]  # fmt: skip
    wrong = sum(image.mark == "wrong" for image in tests)
    groups = {
        "One example of each character": [Image(small(ink), f"{n}") for n, ink in enumerate(run.training, 1)],
        "Drawn by another person; number: the closest example (in brackets: the right one)": tests,
    }
    return Images(f"Run {number + 1}: {wrong} of {len(tests)} wrong", "Wrong choices have a dashed red frame.", groups)


def small(ink: np.ndarray) -> list[list[float]]:
    """A drawing with a third of its pixels per side."""
    third = len(ink) // 3
    mean = ink[: 3 * third, : 3 * third].reshape(third, 3, third, 3).mean((1, 3))
    return np.round(mean, 2).tolist()
