"""Samples that are read first and answered afterwards: where reading ends."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurorec.basics.errors import InputError


@dataclass(frozen=True)
class Reading:
    """The steps of each sample that are read.

    Attributes
    ----------
    ends : [B] number of steps
    steps : steps per frame
    """

    ends: Tensor
    steps: int = 1

    def check(self, lengths: Tensor) -> None:
        """Raises `InputError` unless every sample has a frame of reading, and its end comes after."""
        wrong = (self.ends < self.steps) | (self.ends > lengths)
        if wrong.any():
            sample = int(wrong.nonzero()[0])
            raise InputError(
                f"sample {sample} is read for {int(self.ends[sample])} of its {int(lengths[sample])} steps; reading takes at "
                "least one frame, and must end within the sample"
            )

    def context(self, sent: Tensor, steps: int) -> Tensor:
        """What was sent [T, B, H] in the last frame of reading, repeated over `steps` steps of writing."""
        return earlier(sent, self.ends - self.steps, self.steps).repeat(-(-steps // self.steps), 1, 1)[:steps]


def earlier(values: Tensor, by: Tensor, steps: int) -> Tensor:
    """The steps of [T, B, H] that follow step `by` [B] of each sample, [steps, B, H]; 0 after the last."""
    at = torch.arange(steps, device=by.device)[:, None] + by
    found = values[at.clamp_max(len(values) - 1), torch.arange(len(by), device=by.device)]
    return torch.where((at < len(values))[..., None], found, 0)


def later(values: Tensor, by: Tensor, steps: int) -> Tensor:
    """[S, B, H] from step `by` [B] of each sample on, 0 before, in [steps, B, H]."""
    at = torch.arange(steps, device=by.device)[:, None] - by
    inside = (at >= 0) & (at < len(values))
    if not len(values):
        return values.new_zeros(steps, *values.shape[1:])
    found = values[at.clamp(0, len(values) - 1), torch.arange(len(by), device=by.device)]
    return torch.where(inside[..., None], found, 0)
