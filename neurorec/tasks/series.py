"""Tasks on one long series, cut into a training, a validation and a test part.

Each part is one sample. It begins with `washout` frames that do not count, in which the network forgets that it started from
rest; those of the validation and the test part are the last frames of the part before.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import SPLITS, Objective
from neurorec.tasks.task import Task


def series_task(
    name: str, title: str, x: Tensor, target: Tensor, sizes: Sequence[int], washout: int, objective: Objective,
    sources: tuple[str, ...],
) -> Task:  # fmt: skip
    """A task from a series x [L, I] with targets [L, O]; `sizes`: frames that count in each part.

    Raises
    ------
    InputError
        If the series is too short.
    """
    if len(x) < washout + sum(sizes):
        raise InputError(f"task {name}: the series has {len(x):,} frames, but {washout + sum(sizes):,} are needed")
    T = washout + max(sizes)
    lengths = torch.tensor([washout + size for size in sizes])
    shown, wanted = x.new_zeros(T, len(sizes), x.shape[1]), target.new_zeros(T, len(sizes), target.shape[1])
    for n, size in enumerate(sizes):
        start = sum(sizes[:n])
        shown[: washout + size, n] = x[start : start + washout + size]
        wanted[: washout + size, n] = target[start : start + washout + size]
    frames = torch.arange(T)[:, None]
    return ArrayTask(
        name=name, title=title, x=shown, target=wanted, mask=(frames >= washout) & (frames < lengths),
        splits={split: np.array([n]) for n, split in enumerate(SPLITS)}, outputs=target.shape[1], sources=sources,
        objective=objective, lengths=lengths, trimmed=True,
    )  # fmt: skip
