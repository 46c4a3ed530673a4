"""Shared by rules that learn from rewards: those of an environment, or of answers that are drawn once per sample."""

from dataclasses import replace

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch


def rewards_of(batch: Batch) -> Tensor:
    """[F, B] the rewards. Raises ValueError if there are none."""
    if batch.reward is None:
        raise ValueError("this batch has no rewards")
    return batch.reward


def as_episodes(batch: Batch, y: Tensor, generator: torch.Generator) -> Batch:
    """The samples as episodes of one frame, in which an answer was drawn from softmax(y [B, O]), and earned its reward."""
    if batch.earnings is None:
        raise ValueError("this batch does not say what answers earn; see `Objective.without_targets`")
    drawn = torch.multinomial(y.detach().softmax(1).cpu(), 1, generator=generator)[:, 0].to(y.device)
    T = len(batch.x)
    ends = torch.full_like(drawn, T) if batch.lengths is None else batch.lengths
    running = torch.arange(T, device=y.device)[:, None] < ends
    reward = batch.earnings(drawn).to(y)
    return replace(
        batch, target=drawn[None], mask=running, steps_per_frame=T, per_frame=True, reward=reward[None], earnings=None
    )
