"""The contract of a task: what is learned, as arrays with splits, and what counts as chance.

Time comes in frames (a row of pixels, a symbol). Rate nets take one step a frame; spiking nets see each frame through an
encoder for several steps of their own dt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry

Split = Literal["train", "validation", "test"]
tasks: Registry[Callable[[int], "Task"]] = Registry("task")


@dataclass(frozen=True)
class Batch:
    """x [T, B, I] values in 0..1, target [B] class numbers, mask [T]: the frames whose answer counts."""

    x: Tensor
    target: Tensor
    mask: Tensor

    def take(self, index: Tensor) -> "Batch":
        return Batch(self.x[:, index], self.target[index], self.mask)

    def to(self, device: str) -> "Batch":
        return Batch(self.x.to(device), self.target.to(device), self.mask.to(device))

    @property
    def size(self) -> int:
        return int(self.target.shape[0])


@dataclass(frozen=True)
class Task:
    """A data set drawn with one seed.

    Parameters
    ----------
    x : [T, N, I] frames, values in 0..1
    target : [N] class numbers
    mask : [T] bool, the frames whose answer counts
    splits : sample numbers of "train", "validation" and "test", disjoint
    chance_score : accuracy of the best constant answer on the test split

    Raises
    ------
    InputError
        If a value is NaN or infinite, shapes disagree, or the splits overlap.
    """

    name: str
    title: str
    x: Tensor
    target: Tensor
    mask: Tensor
    splits: dict[Split, np.ndarray]
    classes: int
    sources: tuple[str, ...]
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        if not torch.isfinite(self.x).all():
            frame, sample, line = (int(k) for k in (~torch.isfinite(self.x)).nonzero()[0])
            raise InputError(
                f"task {self.name}: the data hold NaN or infinity, first at frame {frame}, sample {sample}, input {line}; "
                "remove or fill those values before training"
            )
        if self.x.shape[1] != self.target.shape[0] or self.x.shape[0] != self.mask.shape[0]:
            raise InputError(
                f"task {self.name}: x is [T, N, I] = {list(self.x.shape)}, but target has {self.target.shape[0]} samples "
                f"and mask {self.mask.shape[0]} frames"
            )
        everything = np.concatenate(list(self.splits.values()))
        if len(np.unique(everything)) != len(everything):
            raise InputError(f"task {self.name}: the splits share samples; each sample belongs to one split only")

    @property
    def inputs(self) -> int:
        return int(self.x.shape[2])

    @property
    def chance_score(self) -> float:
        counts = torch.bincount(self.target[torch.as_tensor(self.splits["test"])], minlength=self.classes)
        return float(counts.max() / counts.sum())

    def split(self, name: Split) -> Batch:
        """The whole split as one batch."""
        index = torch.as_tensor(self.splits[name])
        return Batch(self.x[:, index], self.target[index], self.mask)


def batches(data: Batch, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Shuffled batches that together hold every sample once; the last may be smaller."""
    order = torch.randperm(data.size, generator=generator)
    for start in range(0, data.size, batch_size):
        yield data.take(order[start : start + batch_size])


def accuracy(logits: Tensor, target: Tensor) -> float:
    """Share of samples whose largest of logits [B, O] is the target [B]."""
    return float((logits.argmax(1) == target).float().mean())


def masked_mean(outputs: Tensor, mask: Tensor) -> Tensor:
    """Outputs [T, B, K] averaged over the steps where mask [T] holds: [B, K]."""
    return outputs[mask].mean(0)


def load_task(name: str, seed: int) -> Task:
    """The registered task `name`, its data and splits drawn with `seed`."""
    return tasks[name](seed)
