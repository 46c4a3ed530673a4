"""The 8x8 digits as images to be drawn: from a class and noise, samples that resemble real ones of this class."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.binary_digits import CODE, SIDE
from neurorec.tasks.digits import digit_images, stratified_splits
from neurorec.tasks.objective import SPLITS, Split, objectives
from neurorec.tasks.task import Task, tasks

CLASSES = 10
COPIES: dict[Split, int] = {"train": 1, "validation": 4, "test": 4}  #: of each image, each with its own noise


def _batch(images: Tensor, classes: Tensor, frames: int, generator: torch.Generator) -> Batch:
    """The class one-hot in the first frame, then `frames` blank ones for drawing, and noise for a code."""
    one_hot = torch.nn.functional.one_hot(classes, CLASSES).float()[None]
    x = torch.cat([one_hot, torch.zeros(frames, len(classes), CLASSES)])
    parts = images.unflatten(1, (frames, -1)).transpose(0, 1)
    return Batch(
        x, torch.cat([torch.zeros_like(parts[:1]), parts]), torch.arange(1 + frames) > 0, per_frame=True,
        start=torch.randn(len(classes), CODE, generator=generator), reading=torch.ones(len(classes), dtype=torch.long),
    )  # fmt: skip


def _task(name: str, title: str, frames: int, seed: int) -> Task:
    pixels, labels = digit_images()
    single = stratified_splits(labels, seed)
    order = np.concatenate([np.tile(single[split], COPIES[split]) for split in SPLITS])
    ends = np.cumsum([COPIES[split] * len(single[split]) for split in SPLITS])
    splits: dict[Split, np.ndarray] = dict(zip(SPLITS, np.split(np.arange(len(order)), ends[:-1]), strict=True))
    images, classes = torch.from_numpy(pixels[order]).flatten(1), torch.from_numpy(labels[order])
    whole = _batch(images, classes, frames, torch_generator(seed, f"{name} noise"))
    train = torch.as_tensor(splits["train"])
    return ArrayTask(
        name=name,
        title=title,
        x=whole.x,
        target=whole.answers,
        mask=whole.mask,
        splits=splits,
        outputs=whole.answers.shape[2],
        sources=("sklearn_digits",),
        objective=objectives["samples_classified"](),
        start=whole.start,
        reading=whole.reading,
        draw=partial(_draw, images[train], classes[train], frames),
    )


def _draw(images: Tensor, classes: Tensor, frames: int, generator: torch.Generator) -> Batch:
    """The training images in another order, with new noise."""
    order = torch.randperm(len(classes), generator=generator)
    return _batch(images[order], classes[order], frames, generator)


@tasks.register("drawn_digits")
def drawn_digits(seed: int) -> Task:
    """Draw an 8x8 digit of a given class from a code of 16 random numbers, all 64 pixels at once.

    The class is shown in the first frame. Scored by the nearest of all samples drawn for a split (four per real digit), as a
    classifier of the split's real digits.
    """
    return _task("drawn_digits", "8x8 digits drawn from a class and a random code", 1, seed)


@tasks.register("drawn_digit_rows")
def drawn_digit_rows(seed: int) -> Task:
    """Draw an 8x8 digit of a given class from a code of 16 random numbers, row by row."""
    return _task("drawn_digit_rows", "8x8 digits drawn row by row from a class and a random code", SIDE, seed)
