"""Samples of a generator for each class, how much they differ, and the accuracy of a classifier that knows real samples."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.drawn_from_code import square_images
from neurorec.analysis.found import Found, Images
from neurorec.basics.cards import Card
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.objectives.samples_classified import SamplesClassified, classes_of, flat
from neurorec.tasks.task import Task


class DrawnByClassSettings(Card):
    images: Annotated[int, Field(ge=1, le=20)]  #: of each class, on the page


@analyses.register("drawn_by_class")
class DrawnByClass(RunAnalysis):
    """Samples for the test split. The spread is that within a class, relative to that of real samples: near 0 if a generator
    draws the same image again and again."""

    about = "Images drawn for each class, and their spread"
    sources = ("goodfellow2014",)
    through_time = False
    Settings = DrawnByClassSettings
    example: ClassVar = {"images": 2}
    gives: ClassVar = {
        "relative spread": Value("standard deviation of values within classes, relative to real samples", ""),
        "accuracy from real samples": Value(
            "accuracy on the test split of the nearest real training sample: an upper limit for generated samples", "", True
        ),
    }  # fmt: skip

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        generates = isinstance(task.objective, SamplesClassified)
        return reason or (None if generates else "the task is not to generate samples of classes")

    @torch.no_grad()
    def run(self, network: Network, task: EncodedTask, settings: DrawnByClassSettings, seed: int) -> Found:
        objective: SamplesClassified = task.objective  # type: ignore[assignment]
        batch, train = task.split("test"), task.frames.split("train")
        images = flat(choose_engine("auto", network).answers(network, batch, objective), batch).sigmoid()
        classes, real = classes_of(batch), flat(batch.answers, batch)
        first = [(classes == one).nonzero()[: settings.images, 0] for one in classes.unique()]
        chosen = torch.stack(first, 1).flatten()
        compared = objective.compared(flat(train.answers, train), classes_of(train), batch)
        values = {
            "relative spread": float(spread(images, classes) / spread(real, classes)),
            "accuracy from real samples": compared[objective.metric],
        }
        about = "One column per class; every image has its own noise."
        shown = {"drawn": square_images(images[chosen]), "real test digits": square_images(real[chosen])}
        return Found(values, (Images(f"Samples ({network.title})", about, shown, len(first)),))


def spread(images: Tensor, classes: Tensor) -> Tensor:
    """Standard deviation within classes, averaged over pixels."""
    return torch.stack([images[classes == one].std(0).mean() for one in classes.unique()]).mean()
