"""The Yin-Yang data set (Kriener, Göltz & Petrovici 2022): points of a disc in three classes that no line separates."""

from functools import cache

import numpy as np
import torch

from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import SPLITS, Split, objectives
from neurorec.tasks.task import Task, tasks

RADIUS, DOT = 0.5, 0.1  #: of the disc and of its two dots
SAMPLES: dict[Split, tuple[int, int]] = {"train": (5000, 42), "validation": (1000, 41), "test": (1000, 40)}
"""Number of samples of each split, and its published seed."""


def class_of(x: float, y: float) -> int:
    """0 (yin) or 1 (yang) of a point of the disc, or 2 in its dots."""
    right, left = np.hypot(x - 1.5 * RADIUS, y - RADIUS), np.hypot(x - 0.5 * RADIUS, y - RADIUS)
    if right < DOT or left < DOT:
        return 2
    return int(right <= DOT or DOT < left <= RADIUS / 2 or (y > RADIUS and right > RADIUS / 2))


@cache
def draw(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 2] and classes [N]: for each sample a class is drawn, then points of the square until one is in this class."""
    rng = np.random.RandomState(seed)  # the published generator, whose stream NumPy keeps as it is
    points, classes = np.empty((samples, 2)), np.empty(samples, dtype=np.int64)
    for sample in range(samples):
        classes[sample], found = rng.randint(3), False
        while not found:
            x, y = points[sample] = rng.rand(2) * 2 * RADIUS
            found = np.hypot(x - RADIUS, y - RADIUS) <= RADIUS and class_of(x, y) == classes[sample]
    return points, classes


@tasks.register("yin_yang")
def yin_yang(seed: int) -> Task:
    """1 frame of 4 values, the coordinates x, y, 1 - x and 1 - y of a point in 0..1; yin, yang or dot.

    Drawn by the published generator; with seed 0, the samples are the published ones.
    """
    drawn = [draw(samples, first + len(SPLITS) * seed) for samples, first in (SAMPLES[split] for split in SPLITS)]
    points = np.concatenate([points for points, _ in drawn])
    ends = np.cumsum([0, *(len(classes) for _, classes in drawn)])
    return ArrayTask(
        name="yin_yang",
        title="points of the Yin-Yang disc",
        x=torch.from_numpy(np.concatenate([points, 1 - points], 1)[None]).float(),
        target=torch.from_numpy(np.concatenate([classes for _, classes in drawn])),
        mask=torch.tensor([True]),
        splits={split: np.arange(ends[k], ends[k + 1]) for k, split in enumerate(SPLITS)},
        outputs=3,
        sources=("kriener2022",),
        objective=objectives["classification"](),
    )
