"""The 8x8 digits as bits, to be encoded and reconstructed."""

from functools import partial

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.digits import digit_images, stratified_splits
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Task, tasks

CODE = 16  #: random numbers that come with each sample: a network draws a code of as many
SIDE = 8


def bits() -> tuple[Tensor, Tensor]:
    """The images [N, 64] with 1 where a pixel is at least half of the maximum, 8 of 16; and their classes."""
    images, target = digit_images()
    return (torch.from_numpy(images) >= 0.5).float().flatten(1), torch.from_numpy(target)


def _frames(images: Tensor, frames: int) -> Tensor:
    """Images [N, 64] to x [2 frames, N, 64 / frames]: an image in parts, and then as many blank frames for writing."""
    parts = images.unflatten(1, (frames, -1)).transpose(0, 1)
    return torch.cat([parts, torch.zeros_like(parts)])


def _task(name: str, title: str, frames: int, seed: int) -> Task:
    images, target = bits()
    splits = stratified_splits(target.numpy(), seed)
    train, mask = images[torch.as_tensor(splits["train"])], torch.arange(2 * frames) >= frames
    return ArrayTask(
        name=name,
        title=title,
        x=_frames(images, frames),
        target=images,
        mask=mask,
        splits=splits,
        outputs=images.shape[1] // frames,
        sources=("sklearn_digits",),
        objective=objectives["evidence_lower_bound"](),
        start=torch.randn(len(images), CODE, generator=torch_generator(seed, f"{name} noise")),
        reading=torch.full((len(images),), frames),
        draw=partial(_draw, train, mask, frames),
    )


def _draw(train: Tensor, mask: Tensor, frames: int, generator: torch.Generator) -> Batch:
    """The training images in another order, with new noise."""
    images = train[torch.randperm(len(train), generator=generator)]
    noise, reading = torch.randn(len(images), CODE, generator=generator), torch.full((len(images),), frames)
    return Batch(_frames(images, frames), images, mask, start=noise, reading=reading)


@tasks.register("binary_digits")
def binary_digits(seed: int) -> Task:
    """Read a binary 8x8 digit in one frame and reconstruct it in the next, from a random code of 16 numbers.

    A pixel is 1 if it is at least half of the maximum. The noise of the code comes with the samples; in training, it is drawn
    anew in every epoch.
    """
    return _task("binary_digits", "handwritten digits of 64 bits, written from a random code", 1, seed)


@tasks.register("binary_digit_rows")
def binary_digit_rows(seed: int) -> Task:
    """Read a binary 8x8 digit row by row, then reconstruct it row by row, from a random code of 16 numbers.

    The same images as `binary_digits`, so that both have the same independent-pixel baseline.
    """
    return _task("binary_digit_rows", "handwritten digits of 8 rows of bits, written from a random code", SIDE, seed)
