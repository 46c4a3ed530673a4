"""The contract of a task: what is learned, as arrays with splits, and what counts as chance.

Time comes in frames (a row of pixels, a symbol). Rate nets take one step a frame; spiking nets see each frame through an
encoder for several steps of their own dt.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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
    """x [T, B, I] values in 0..1, target [B] class numbers, mask [T] or [T, B]: the frames whose answer counts; lengths [B]
    where samples differ in length."""

    x: Tensor
    target: Tensor
    mask: Tensor
    lengths: Tensor | None = None

    def take(self, index: Tensor) -> "Batch":
        mask = self.mask if self.mask.dim() == 1 else self.mask[:, index]
        lengths = None if self.lengths is None else self.lengths[index]
        x = self.x.transpose(0, 1)[index].transpose(0, 1).contiguous()
        return Batch(x, self.target[index], mask, lengths)

    def to(self, device: str) -> "Batch":
        lengths = None if self.lengths is None else self.lengths.to(device)
        return Batch(self.x.to(device), self.target.to(device), self.mask.to(device), lengths)

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
    mask : [T] bool, the frames whose answer counts; [T, N] where they differ from sample to sample
    splits : sample numbers of "train", "validation" and "test", disjoint
    lengths : [N] frames of each sample, or None where all have T; x is 0 behind the end of a sample
    chance_score : accuracy of the best constant answer on the test split

    Raises
    ------
    InputError
        If a value is NaN or infinite, shapes disagree, the splits overlap, or something counts behind the end of a sample.
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
    lengths: Tensor | None = None

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
        if self.lengths is not None:
            self._check_ends(self.lengths)

    def _check_ends(self, lengths: Tensor) -> None:
        T, N, _ = self.x.shape
        if (
            lengths.shape != (N,)
            or lengths.is_floating_point()
            or not 1 <= int(lengths.min()) <= int(lengths.max()) <= T
        ):
            raise InputError(f"task {self.name}: lengths must be {N} whole numbers of frames in 1..{T}, one a sample")
        behind = torch.arange(T)[:, None] >= lengths
        counted = behind & (self.mask if self.mask.dim() == 2 else self.mask[:, None])
        for what, wrong in (("x is not 0", behind & (self.x != 0).any(2)), ("the mask counts an answer", counted)):
            if wrong.any():
                frame, sample = (int(k) for k in wrong.nonzero()[0])
                raise InputError(
                    f"task {self.name}: {what} at frame {frame} of sample {sample}, which ends after {int(lengths[sample])} "
                    "frames; set both to 0 behind the end (a mask [T, N] may differ from sample to sample)"
                )

    @property
    def inputs(self) -> int:
        return int(self.x.shape[2])

    @property
    def chance_score(self) -> float:
        counts = torch.bincount(self.target[torch.as_tensor(self.splits["test"])], minlength=self.classes)
        return float(counts.max() / counts.sum())

    def split(self, name: Split) -> Batch:
        """The whole split as one batch."""
        return Batch(self.x, self.target, self.mask, self.lengths).take(torch.as_tensor(self.splits[name]))


def batches(data: Batch, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Shuffled batches that together hold every sample once; the last may be smaller."""
    order = torch.randperm(data.size, generator=generator)
    data = replace(
        data, x=data.x.transpose(0, 1).contiguous().transpose(0, 1)
    )  # a sample lies together, to be found at once
    for start in range(0, data.size, batch_size):
        yield data.take(order[start : start + batch_size])


def accuracy(logits: Tensor, target: Tensor) -> float:
    """Share of samples whose largest of logits [B, O] is the target [B]."""
    return float((logits.argmax(1) == target).float().mean())


def masked_mean(outputs: Tensor, mask: Tensor) -> Tensor:
    """Outputs [T, B, K] averaged over the steps where mask [T] or [T, B] holds: [B, K]."""
    if mask.dim() == 1:
        return outputs[mask].mean(0)
    return (outputs * mask[..., None]).sum(0) / mask.sum(0)[:, None]


def load_task(name: str, seed: int) -> Task:
    """The registered task `name`, its data and splits drawn with `seed`."""
    return tasks[name](seed)
