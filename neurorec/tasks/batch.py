"""A batch of samples, time first, and how outputs over time become answers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neurorec.basics.quantities import plural
from neurorec.basics.reading_ends import Reading
from neurorec.basics.tree import Tree
from neurorec.tasks.earnings import Earnings


@dataclass(frozen=True, repr=False)
class Batch:
    """Samples as provided by a task (in frames) or as input to a network (in steps; see `encoders`).

    Attributes
    ----------
    x : [T, B, I]; T = 1 for static data
    target : [B] class labels or [B, O] values, one answer per sample; [F, B] or [F, B, O], an answer per frame; None if there
        are no targets
    mask : [T] or [T, B], the steps in which the answer counts
    lengths : [B] steps of each sample, or None if all have T
    steps_per_frame : steps per frame of the target
    start : [B, S] initial states of the first S units of the layers that take them, or None
    reading : [B] frames of each sample that are read before it is answered, or None
    parents : [F, B] for trees, whose nodes are frames, children first: the frame of each node's parent, -1 for roots; or None
    """

    x: Tensor
    target: Tensor | None
    mask: Tensor
    lengths: Tensor | None = None
    steps_per_frame: int = 1
    per_frame: bool = False  #: whether the first axis of the target is frames
    reward: Tensor | None = None  #: [F, B] rewards from an environment; the target then holds the actions taken
    earnings: Earnings | None = None  #: of answers to samples whose targets are not shown
    start: Tensor | None = None
    parents: Tensor | None = None
    reading: Tensor | None = None

    def __repr__(self) -> str:
        T, B, inputs = self.x.shape
        return f"Batch({plural(B, 'sample')}, {plural(T, 'step')}, {plural(inputs, 'input')})"

    def take(self, index: Tensor) -> "Batch":
        mask = self.mask if self.mask.dim() == 1 else self.mask[:, index]
        lengths = None if self.lengths is None else self.lengths[index]
        x = self.x.transpose(0, 1)[index].transpose(0, 1).contiguous()
        target = self.target
        if target is not None:
            target = target[:, index] if self.per_frame else target[index]
        reward = None if self.reward is None else self.reward[:, index]
        start = None if self.start is None else self.start[index]
        parents = None if self.parents is None else self.parents[:, index]
        reading = None if self.reading is None else self.reading[index]
        return replace(
            self, x=x, target=target, mask=mask, lengths=lengths, start=start, reward=reward, parents=parents,
            reading=reading, earnings=None,
        )  # fmt: skip

    def first(self, frames: int) -> "Batch":
        """Only the first frames, of a batch in frames (not encoded)."""
        target = self.target[:frames] if self.per_frame and self.target is not None else self.target
        parents = None if self.parents is None else self.parents[:frames]
        return replace(self, x=self.x[:frames], target=target, mask=self.mask[:frames], parents=parents)

    def to(self, device: str) -> "Batch":
        lengths = None if self.lengths is None else self.lengths.to(device)
        target = None if self.target is None else self.target.to(device)
        reward = None if self.reward is None else self.reward.to(device)
        start = None if self.start is None else self.start.to(device)
        parents = None if self.parents is None else self.parents.to(device)
        reading = None if self.reading is None else self.reading.to(device)
        return replace(
            self, x=self.x.to(device), target=target, mask=self.mask.to(device), lengths=lengths, start=start,
            reward=reward, parents=parents, reading=reading,
        )  # fmt: skip

    def backwards(self) -> "Batch":
        """The same samples in reverse order."""
        return self.take(torch.arange(self.size - 1, -1, -1))

    @property
    def size(self) -> int:
        return int(self.x.shape[1])

    @property
    def steps(self) -> int:
        return len(self.x)

    @property
    def part_size(self) -> int:
        """Samples per part; see `in_parts.py` for batches of several."""
        return self.size

    def parts(self) -> Iterator["Batch"]:
        yield self

    def encoded(self) -> "Batch":
        return self

    @property
    def samples(self) -> "Batch":
        """The samples with their answers, whether in frames or in steps."""
        return self

    @property
    def answers(self) -> Tensor:
        """The target. Raises ValueError if there is none."""
        if self.target is None:
            raise ValueError("this batch has no target")
        return self.target

    @property
    def trees(self) -> Tree:
        """The trees that the samples are; samples that are none are chains of frames."""
        if self.parents is not None:
            return Tree(self.parents, self.steps_per_frame)
        chains = Tree.chain(len(self.x) // self.steps_per_frame, self.size).parents
        return Tree(chains.to(self.x.device), self.steps_per_frame)

    @property
    def reads(self) -> Reading | None:
        """Where reading ends, in steps; None if samples are not read first."""
        return None if self.reading is None else Reading(self.reading * self.steps_per_frame, self.steps_per_frame)

    @property
    def frame_mask(self) -> Tensor:
        """[F, B] bool: the frames in which the answer counts."""
        mask = self.mask[:: self.steps_per_frame]
        return mask if mask.dim() == 2 else mask[:, None].expand(-1, self.size)


def accuracy(logits: Tensor, target: Tensor) -> float:
    """Share of samples for which the largest logit of [B, O] is the target [B]."""
    return float((logits.argmax(1) == target).float().mean())


def masked_mean(outputs: Tensor, mask: Tensor) -> Tensor:
    """Outputs [T, B, K] averaged over the steps selected by mask [T] or [T, B]: [B, K]."""
    if mask.dim() == 1:
        return outputs[mask].mean(0)
    return (outputs * mask[..., None]).sum(0) / mask.sum(0)[:, None]


def frame_means(outputs: Tensor, steps_per_frame: int) -> Tensor:
    """Outputs [T, B, K] averaged over the steps of each frame: [F, B, K]."""
    return outputs if steps_per_frame == 1 else outputs.unflatten(0, (-1, steps_per_frame)).mean(1)
