"""The adding problem of Hochreiter & Schmidhuber (1997): add the two marked numbers of a long sequence."""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objectives.regression import Regression
from neurorec.tasks.task import Task, tasks

SAMPLES = {"train": 1000, "validation": 500, "test": 2560}
FRAMES = 100
WITHIN = 0.08  # the published criterion, 0.04 of a target that is half of this sum


def marked_rows(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """x [T, count, 2] and the sums [count, 1]."""
    values, half = torch.rand(FRAMES, count, generator=generator), FRAMES // 2
    marks = torch.zeros(FRAMES, count)
    for start in (0, half):
        marks[start + torch.randint(half, (count,), generator=generator), torch.arange(count)] = 1.0
    return torch.stack([values, marks], 2), (values * marks).sum(0)[:, None]


@tasks.register("adding_problem")
def adding_problem(seed: int) -> Task:
    """100 frames on 2 lines: a uniform random number in 0..1, and a mark that is 1 in two frames, one in each half.

    The target at the last frame is the sum of the two marked numbers (the paper uses numbers in -1..1 and a scaled sum).
    Training samples are drawn afresh in every epoch.
    """
    total, mask = sum(SAMPLES.values()), torch.arange(FRAMES) == FRAMES - 1
    x, target = marked_rows(total, torch_generator(seed, "adding_problem"))
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])
    return ArrayTask(
        name="adding_problem",
        title=f"sum of two marked numbers among {FRAMES}",
        x=x,
        target=target,
        mask=mask,
        splits={"train": train, "validation": validation, "test": test},
        outputs=1,
        sources=("hochreiter1997",),
        objective=Regression(within=WITHIN),
        draw=lambda generator: Batch(*marked_rows(SAMPLES["train"], generator), mask),
    )
