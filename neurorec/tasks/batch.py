"""A batch: samples side by side, time first, and how outputs over time become answers."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Samples as a task gives them (in frames) or as a network sees them (in steps; see `encoders`).

    Attributes
    ----------
    x : [T, B, I]; T = 1 for static data
    target : [B] class numbers or [B, O] values, one answer per sample; [F, B] or [F, B, O], an answer in every frame; None
        where nothing is asked for
    mask : [T] or [T, B], the steps whose answer counts
    lengths : [B] steps of each sample, or None where all have T
    steps_per_frame : steps that one frame of the target lasts
    """

    x: Tensor
    target: Tensor | None
    mask: Tensor
    lengths: Tensor | None = None
    steps_per_frame: int = 1
    per_frame: bool = False  #: whether the target has an axis of frames before that of the samples
    reward: Tensor | None = None  #: [F, B] what an environment paid; the target then holds the actions taken

    def take(self, index: Tensor) -> "Batch":
        mask = self.mask if self.mask.dim() == 1 else self.mask[:, index]
        lengths = None if self.lengths is None else self.lengths[index]
        x = self.x.transpose(0, 1)[index].transpose(0, 1).contiguous()
        target = self.target
        if target is not None:
            target = target[:, index] if self.per_frame else target[index]
        reward = None if self.reward is None else self.reward[:, index]
        return replace(self, x=x, target=target, mask=mask, lengths=lengths, reward=reward)

    def to(self, device: str) -> "Batch":
        lengths = None if self.lengths is None else self.lengths.to(device)
        target = None if self.target is None else self.target.to(device)
        reward = None if self.reward is None else self.reward.to(device)
        return replace(
            self, x=self.x.to(device), target=target, mask=self.mask.to(device), lengths=lengths, reward=reward
        )

    def backwards(self) -> "Batch":
        """The same samples in reverse order."""
        return self.take(torch.arange(self.size - 1, -1, -1))

    @property
    def size(self) -> int:
        return int(self.x.shape[1])

    @property
    def answers(self) -> Tensor:
        """The target of a task that has one."""
        if self.target is None:
            raise ValueError("this batch has no target")
        return self.target

    @property
    def frame_mask(self) -> Tensor:
        """[F, B] bool: the frames whose answer counts."""
        mask = self.mask[:: self.steps_per_frame]
        return mask if mask.dim() == 2 else mask[:, None].expand(-1, self.size)


def accuracy(logits: Tensor, target: Tensor) -> float:
    """Share of samples whose largest of logits [B, O] is the target [B]."""
    return float((logits.argmax(1) == target).float().mean())


def masked_mean(outputs: Tensor, mask: Tensor) -> Tensor:
    """Outputs [T, B, K] averaged over the steps where mask [T] or [T, B] holds: [B, K]."""
    if mask.dim() == 1:
        return outputs[mask].mean(0)
    return (outputs * mask[..., None]).sum(0) / mask.sum(0)[:, None]


def frame_means(outputs: Tensor, steps_per_frame: int) -> Tensor:
    """Outputs [T, B, K] averaged over the steps of each frame: [F, B, K]."""
    return outputs if steps_per_frame == 1 else outputs.unflatten(0, (-1, steps_per_frame)).mean(1)
