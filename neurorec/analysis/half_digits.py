"""Handwritten digits whose lower half is hidden, completed by trivial predictors and linear regression."""

from dataclasses import dataclass

import torch
from torch import Tensor

from neurorec.analysis.found import Image
from neurorec.basics.least_squares import solve_ridge
from neurorec.tasks.task import load_task

PENALTIES = (0.1, 1.0, 10.0, 100.0)
SIDE = 8


@dataclass(frozen=True)
class HalfDigits:
    """Images of +1 (ink) and -1, [samples, 64]; `known` [64] marks the upper half."""

    train: Tensor
    validation: Tensor
    test: Tensor
    known: Tensor

    @property
    def likely(self) -> Tensor:
        """[64] the sign of the mean training image."""
        return torch.where(self.train.mean(0) >= 0, 1.0, -1.0).double()

    def cue(self, images: Tensor) -> Tensor:
        """Images with the lower half of the mean image."""
        return torch.where(self.known, images, self.likely)

    def overlap(self, answers: Tensor, images: Tensor) -> float:
        """Mean product of answers and truth over hidden pixels: 1 if all are right."""
        return float((answers * images)[:, ~self.known].mean())


def half_digits(seed: int) -> HalfDigits:
    """The images and splits of task digit_patterns."""
    task = load_task("digit_patterns", seed)
    train, validation, test = (2 * task.split(split).x[0].double() - 1 for split in ("train", "validation", "test"))
    return HalfDigits(train, validation, test, torch.arange(SIDE * SIDE) < SIDE * SIDE // 2)


def nearest(data: HalfDigits, images: Tensor) -> Tensor:
    """The training image whose known half overlaps most."""
    return data.train[(images[:, data.known] @ data.train[:, data.known].T).argmax(1)]


def regressed(data: HalfDigits, images: Tensor) -> Tensor:
    """The sign of ridge regression from the known half; its penalty is chosen on the validation split."""

    def features(of: Tensor) -> Tensor:
        return torch.cat([of[:, data.known], torch.ones(len(of), 1).double()], 1)

    def predicted(penalty: float, of: Tensor) -> Tensor:
        weights = solve_ridge(features(data.train), data.train, penalty)
        return torch.where(features(of) @ weights.T >= 0, 1.0, -1.0).double()

    best = max(PENALTIES, key=lambda penalty: data.overlap(predicted(penalty, data.validation), data.validation))
    return predicted(best, images)


def drawn(images: Tensor) -> list[Image]:
    """Images [samples, 64] of -1 (white) to 1 (black)."""
    return [Image(image.tolist()) for image in ((images + 1) / 2).reshape(-1, SIDE, SIDE)]
