"""Tasks whose distribution is known: every split holds all its patterns, as often as they are probable, so that a mean over a
split is an exact expectation."""

import numpy as np
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import SPLITS, Split, objectives


def task_of_draws(
    name: str, title: str, draws: np.ndarray, copies: int, seed: int, sources: tuple[str, ...]
) -> ArrayTask:
    """Learn the distribution of `draws` [K, I] of 0 and 1, which are equally probable (a pattern may be among them repeatedly).

    The training split holds each draw `copies` times, validation and test once; the order depends on the seed.
    """
    _, number, count = np.unique(draws, axis=0, return_inverse=True, return_counts=True)
    log_p = np.log(count[number.ravel()] / len(draws))
    rng, held = numpy_generator(seed, name), {"train": copies, "validation": 1, "test": 1}
    order = np.concatenate([rng.permutation(np.tile(np.arange(len(draws)), held[split])) for split in SPLITS])
    ends = np.cumsum([held[split] * len(draws) for split in SPLITS])
    splits: dict[Split, np.ndarray] = dict(zip(SPLITS, np.split(np.arange(len(order)), ends[:-1]), strict=True))
    return ArrayTask(
        name=name,
        title=title,
        x=torch.from_numpy(draws[order].astype(np.float32))[None],
        target=torch.from_numpy(log_p[order, None]),
        mask=torch.tensor([True]),
        splits=splits,
        outputs=1,
        sources=sources,
        objective=objectives["log_likelihood"](),
        exhaustive=True,
    )
