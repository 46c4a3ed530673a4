"""Bars and stripes: images in which every row, or every column, has a single value (MacKay 2003)."""

from itertools import product

import numpy as np

from neurorec.tasks.known_distribution import task_of_draws
from neurorec.tasks.task import Task, tasks

SIDE = 4
COPIES = 50  #: of each draw in an epoch: 1,600 samples


@tasks.register("bars_and_stripes")
def bars_and_stripes(seed: int) -> Task:
    """Learn the distribution of 4x4 images of bars or stripes: the orientation is drawn, then each bar is on or off.

    The 32 draws give 30 images, since all-off and all-on occur in both orientations; the entropy is 3.379 nats.
    """
    lines = np.array(list(product((0, 1), repeat=SIDE)))[:, :, None].repeat(SIDE, 2)  # [16, row, column]
    draws = np.concatenate([lines, lines.transpose(0, 2, 1)]).reshape(-1, SIDE * SIDE)
    title = "the distribution of 4x4 images of bars and stripes"
    return task_of_draws("bars_and_stripes", title, draws, COPIES, seed, ("mackay2003",))
