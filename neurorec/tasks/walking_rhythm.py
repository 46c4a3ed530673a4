"""A rhythm for walking: two outputs that swing in antiphase as long as a constant drive is on.

Hinton's lecture on recurrent networks: "It can oscillate. This is useful for generating cycles needed for e.g. walking."
"""

import math

import torch
from torch import Tensor

from neurorec.tasks.lengthening import lengthening_task
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 128, "validation": 64, "test": 64}
FRAMES: dict[Split, int] = {"train": 64, "validation": 64, "test": 128}
PERIOD = 16  #: frames


def steps_of_legs(frames: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The drive [T, N, 1], which is switched on within the first period, and the swing of two legs [T, N, 2], 0 before."""
    start = torch.randint(PERIOD, (count,), generator=generator)
    since = torch.arange(frames)[:, None] - start
    drive = (since >= 0).float()
    swing = torch.sin(2 * math.pi * since / PERIOD) * drive
    return drive[..., None], torch.stack([swing, -swing], -1)


@tasks.register("walking_rhythm")
def walking_rhythm(seed: int) -> Task:
    """Two legs swing in antiphase, with a period of 16 frames, from the frame in which a constant drive is switched on.

    Training and validation have 64 frames, the test has 128.
    """
    title = f"walking rhythm, trained for {FRAMES['train']} frames, tested for {FRAMES['test']}"
    return lengthening_task(
        "walking_rhythm", title, steps_of_legs, FRAMES, SAMPLES, 2, seed, ("hinton_rnn",), objective="step_regression"
    )
