"""Shared by rules that learn from rewards: of actions in an environment, or of one drawn answer per sample."""

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
    """The samples as episodes of one frame, each with an answer drawn from softmax(y [B, O]) and its reward."""
    if batch.earnings is None:
        raise ValueError("this batch cannot reward answers; prepare it with `Objective.without_targets`")
    drawn = torch.multinomial(y.detach().softmax(1).cpu(), 1, generator=generator)[:, 0].to(y.device)
    T = len(batch.x)
    ends = torch.full_like(drawn, T) if batch.lengths is None else batch.lengths
    running = torch.arange(T, device=y.device)[:, None] < ends
    reward = batch.earnings(drawn).to(y)
    return replace(
        batch, target=drawn[None], mask=running, steps_per_frame=T, per_frame=True, reward=reward[None], earnings=None
    )
