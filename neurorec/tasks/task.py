"""The contract of a task: samples, and the objective that defines a good answer.

Time is divided into frames (a row of pixels, a symbol). Rate-based networks take one step per frame; for spiking networks an
encoder turns each frame into several steps of dt.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from neurorec.basics.registry import Registry
from neurorec.tasks.batch import Batch, accuracy, frame_means, masked_mean
from neurorec.tasks.objective import SPLITS, Objective, Split

__all__ = [
    "SPLITS",
    "Batch",
    "Split",
    "Task",
    "accuracy",
    "batches",
    "frame_means",
    "load_task",
    "masked_mean",
    "tasks",
]

tasks: Registry[Callable[[int], "Task"]] = Registry("task")


class Task(ABC):
    """What is learned. An `ArrayTask` has samples in splits; an `Environment` answers actions instead.

    Attributes
    ----------
    name, title : registered name; title for display
    inputs, outputs : numbers of input lines and of output units
    exhaustive : whether every split holds every pattern of a known distribution: nothing is held out, and choosing by the
        validation score would choose by the test score, so the weights of the last epoch are kept
    fixed_test : whether all seeds have the same test split, although the task does not come from files
    """

    exhaustive: bool = False
    fixed_test: bool = False

    name: str
    title: str
    inputs: int
    outputs: int
    objective: Objective
    sources: tuple[str, ...]

    @abstractmethod
    def split(self, name: Split) -> Batch:
        """The whole split as one batch. For a task that draws fresh training samples, "train" is a first draw."""

    def without_test(self) -> "Task":
        """The same task with its validation split also in the place of its test split, for choices that must not see it."""
        blind = copy.copy(self)
        object.__setattr__(blind, "split", lambda name: self.split(_seen(name)))
        return blind

    def fresh(self, generator: torch.Generator) -> Batch | None:
        """New training samples for one epoch, or None if the training split is fixed."""
        return None

    def baselines(self) -> dict[str, dict[Split, float]]:
        """The metric per split of trivial models, by name; a constant answer comes first. Computed once."""
        return self._baselines

    @cached_property
    def _baselines(self) -> dict[str, dict[Split, float]]:
        return self.objective.baselines(self)  # type: ignore[arg-type]

    @property
    def chance_score(self) -> float:
        """The test score of the constant answer."""
        return self.baselines()[self.objective.chance]["test"]

    @classmethod
    def from_arrays(
        cls, x: Tensor, y: Tensor, objective: str | Objective, splits: Mapping[Split, Any], *, outputs: int | None = None,
        mask: Tensor | None = None, lengths: Tensor | None = None, name: str = "own task", title: str = "",
        sources: tuple[str, ...] = (), start: Tensor | None = None,
    ) -> "Task":  # fmt: skip
        """A task from x [T, N, I] and targets y: see `ArrayTask`.

        `splits` gives the samples of "train", "validation" and "test", as numbers or as masks over all N. `outputs` is
        inferred from y if possible (class labels: the largest plus one). Without `mask`, every frame counts; with one answer
        per sample, only its last frame. `start` [N, S] gives initial states to the first S units of layers with `takes_start`.
        """
        from neurorec.tasks.own_data import task_from_arrays

        return task_from_arrays(x, y, objective, splits, outputs, mask, lengths, name, title, sources, start)

    @classmethod
    def from_dataset(
        cls, dataset: Any, objective: str | Objective, *, splits: Mapping[Split, Any] | None = None,
        fractions: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0, outputs: int | None = None, name: str = "own task",
        title: str = "", sources: tuple[str, ...] = (),
    ) -> "Task":  # fmt: skip
        """A task from any torch Dataset of (x, target): x [T, I], or [I] for one frame. Samples may differ in length.

        `splits` is as for `from_arrays`; without it, samples are randomly assigned to train, validation and test with `seed`
        according to `fractions`.
        """
        from neurorec.tasks.own_data import task_from_dataset

        return task_from_dataset(dataset, objective, splits, fractions, seed, outputs, name, title, sources)


def _seen(split: Split) -> Split:
    return "validation" if split == "test" else split


def batches(data: Batch, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Shuffled batches that contain every sample once; the last may be smaller."""
    order = torch.randperm(data.size, generator=generator)
    data = replace(
        data, x=data.x.transpose(0, 1).contiguous().transpose(0, 1)
    )  # contiguous per sample, for fast access
    for start in range(0, data.size, batch_size):
        yield data.take(order[start : start + batch_size])


def load_task(name: str, seed: int) -> Task:
    """The registered task `name`, with data and splits drawn with `seed`."""
    return tasks[name](seed)
