"""Parity of three bits: no two of them are correlated, so that pairwise weights between them cannot represent it."""

from itertools import product

import numpy as np

from neurorec.tasks.known_distribution import task_of_draws
from neurorec.tasks.task import Task, tasks

COPIES = 50  #: of each draw in an epoch: 200 samples


@tasks.register("parity3")
def parity3(seed: int) -> Task:
    """Learn the distribution of three bits of even parity: 000, 011, 101 and 110 are equally probable.

    The entropy is ln 4 = 1.386 nats. Any model of the three bits by weights between pairs of them is at best uniform, ln 2 =
    0.693 nats worse; hidden units are needed.
    """
    draws = np.array([bits for bits in product((0, 1), repeat=3) if sum(bits) % 2 == 0])
    title = "the distribution of three bits of even parity"
    return task_of_draws("parity3", title, draws, COPIES, seed, ("ackley1985",))
