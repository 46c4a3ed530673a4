"""The 1,797 handwritten 8x8 digits of scikit-learn, row by row, all at once, or in black and white."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Split, Task, tasks

SHARES = (0.7, 0.15, 0.15)  # train, validation, test


def digit_images() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    pixels, target = load_digits(return_X_y=True)
    return (pixels / 16.0).astype(np.float32).reshape(-1, 8, 8), target.astype(np.int64)


def stratified_splits(target: np.ndarray, seed: int) -> dict[Split, np.ndarray]:
    """Sample numbers of train, validation and test in the shares above, stratified by class."""
    rng = numpy_generator(seed, "splits")
    parts: dict[Split, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for label in np.unique(target):
        members = rng.permutation(np.flatnonzero(target == label))
        first, second = round(SHARES[0] * len(members)), round((SHARES[0] + SHARES[1]) * len(members))
        for name, part in zip(parts, np.split(members, [first, second]), strict=True):
            parts[name].append(part)
    return {name: np.sort(np.concatenate(part)) for name, part in parts.items()}


@tasks.register("row_digits")
def row_digits(seed: int) -> Task:
    """8 frames of 8 pixels: one row of the image at a time, top to bottom; the answer counts at the last row."""
    images, target = digit_images()
    x = torch.from_numpy(images).permute(1, 0, 2).contiguous()
    return ArrayTask(
        name="row_digits",
        title="handwritten digits, one row of 8 pixels at a time",
        x=x,
        target=torch.from_numpy(target),
        mask=torch.tensor([False] * 7 + [True]),
        splits=stratified_splits(target, seed),
        outputs=10,
        sources=("sklearn_digits",),
        objective=objectives["classification"](),
    )


@tasks.register("row_digits_fixed_test")
def row_digits_fixed_test(seed: int) -> Task:
    """As `row_digits`, but the test samples are the same for all seeds, so that a hyperparameter search on any seed never sees
    them. The seed determines which of the other samples are for validation."""
    task: Any = row_digits(seed)
    test = stratified_splits(task.target.numpy(), 0)["test"]
    others = np.setdiff1d(np.arange(len(task.target)), test)
    drawn = stratified_splits(task.target.numpy()[others], seed)
    train, held_out = np.concatenate([drawn["train"], drawn["test"]]), drawn["validation"]
    splits: dict[Split, np.ndarray] = {"train": others[np.sort(train)], "validation": others[held_out], "test": test}
    return replace(task, name="row_digits_fixed_test", splits=splits, fixed_test=True)


@tasks.register("frame_digits")
def frame_digits(seed: int) -> Task:
    """1 frame of 64 pixels: the whole image at once, as rates."""
    images, target = digit_images()
    return ArrayTask(
        name="frame_digits",
        title="handwritten digits, all 64 pixels at once",
        x=torch.from_numpy(images.reshape(1, -1, 64)),
        target=torch.from_numpy(target),
        mask=torch.tensor([True]),
        splits=stratified_splits(target, seed),
        outputs=10,
        sources=("sklearn_digits",),
        objective=objectives["classification"](),
    )


@tasks.register("digit_patterns")
def digit_patterns(seed: int) -> Task:
    """Learn the distribution of handwritten digits of 8x8 pixels, each 0 or 1 (1 where the grey value is 8 of 16 or more)."""
    images, target = digit_images()
    return ArrayTask(
        name="digit_patterns",
        title="the distribution of handwritten digits in black and white",
        x=torch.from_numpy((images >= 0.5).astype(np.float32).reshape(1, -1, 64)),
        target=torch.full((len(target), 1), float("nan"), dtype=torch.float64),
        mask=torch.tensor([True]),
        splits=stratified_splits(target, seed),
        outputs=1,
        sources=("sklearn_digits",),
        objective=objectives["log_likelihood"](),
    )
