"""The true and the predicted values of a series, side by side."""

from typing import Annotated

import torch
from pydantic import Field

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Curves, Found, series
from neurorec.basics.cards import Card
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.objectives.series_prediction import SeriesPrediction
from neurorec.tasks.task import Task


class PredictionShownSettings(Card):
    frames: Annotated[int, Field(ge=2, le=10_000)]


@analyses.register("prediction_shown")
class PredictionShown(RunAnalysis):
    """The first scored frames of the test part; of several outputs, the first."""

    about = "True and predicted values of a series"
    sources = ()
    Settings = PredictionShownSettings
    example = {"frames": 50}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "error": Value("mean squared error of the frames shown, divided by the variance of the test part", "", False)
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        return reason or (
            None if isinstance(task.objective, SeriesPrediction) else "the task is not to predict a series"
        )

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: PredictionShownSettings, seed: int) -> Found:  # type: ignore[override]
        batch, objective = task.split("test"), task.objective
        y = objective.answers(choose_engine("auto", network).run_batch(network, batch).outputs, batch)
        counts = batch.frame_mask[:, 0]
        true, predicted = batch.answers[counts, 0, 0].double(), y[counts, 0, 0].double()
        shown = slice(0, settings.frames)
        error = float((true - predicted)[shown].square().mean() / true.var(correction=0).clamp_min(1e-300))
        frames = range(1, 1 + len(true[shown]))
        figure = Curves(
            f"{task.frames.title}: {network.title}", f"The mean squared error of these frames is {error:.3f} of the variance.",
            "frame", "value", {"true": series(frames, true[shown]), "predicted": series(frames, predicted[shown])},
        )  # fmt: skip
        return Found({"error": error}, (figure,))
