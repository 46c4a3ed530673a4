"""Line drawings as inputs: centred and scaled by their ink, and distorted at random for training."""

import torch
from torch import Tensor

SIDE = 28  #: pixels of a drawing as an input
SPREAD = 0.36  #: standard deviation of the ink along an axis, in half widths of the input
#: largest distortions: radians, log of a factor, slope, half widths
TURN, STRETCH, SHEAR, SHIFT = 0.35, 0.25, 0.35, 0.1


def shown(ink: Tensor) -> Tensor:
    """Drawings ink [N, S, S] as inputs [N, SIDE * SIDE] in 0..1, with the centre of the ink in the middle and its spread equal
    in all of them."""
    centre, spread = where(ink)
    return seen(ink, (spread / SPREAD)[:, None, None] * torch.eye(2), centre)


def distorted(ink: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """As `shown`, but each drawing is turned, stretched, sheared and shifted at random; besides, all drawings of a class are
    turned by the same number of right angles."""
    centre, spread = where(ink)
    draws = 2 * torch.rand(len(ink), 6, generator=generator) - 1
    right_angles = torch.randint(4, (int(labels.max()) + 1,), generator=generator)[labels]
    matrix = right_turn(right_angles) @ distortion(draws[:, :4]) * (spread / SPREAD)[:, None, None]
    return seen(ink, matrix, centre + SHIFT * draws[:, 4:])


def seen(ink: Tensor, matrix: Tensor, middle: Tensor) -> Tensor:
    """The inputs [N, SIDE * SIDE], of which the pixel at place p shows the ink at matrix p + middle, in half widths."""
    grid = torch.nn.functional.affine_grid(
        torch.cat([matrix, middle[:, :, None]], 2), [len(ink), 1, 2 * SIDE, 2 * SIDE], align_corners=False
    )
    fine = torch.nn.functional.grid_sample(ink[:, None], grid, align_corners=False)
    return torch.nn.functional.avg_pool2d(fine, 2).flatten(1).clamp(0, 1)


def where(ink: Tensor) -> tuple[Tensor, Tensor]:
    """Mean place (x, y) of the ink [N, 2], and its standard deviation per axis [N], in half widths from the middle."""
    side = ink.shape[1]
    place = ((2 * torch.arange(side) + 1 - side) / side).to(ink)
    total = ink.sum((1, 2))
    columns, rows = ink.sum(1), ink.sum(2)
    x, y = columns @ place / total, rows @ place / total
    apart = (columns * (place - x[:, None]) ** 2).sum(1) + (rows * (place - y[:, None]) ** 2).sum(1)
    return torch.stack([x, y], 1), (apart / total / 2).sqrt()


def distortion(draws: Tensor) -> Tensor:
    """Matrices [N, 2, 2] from numbers in -1..1 [N, 4]: a rotation, after factors along both axes and a shear."""
    angle, shear = TURN * draws[:, 0], SHEAR * draws[:, 3]
    wide, high = (STRETCH * draws[:, 1]).exp(), (STRETCH * draws[:, 2]).exp()
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(-1, 2, 2)
    return turn @ torch.stack([wide, shear, torch.zeros_like(shear), high], 1).reshape(-1, 2, 2)


def right_turn(times: Tensor) -> Tensor:
    """Matrices [N, 2, 2] that turn by so many right angles [N]."""
    turns = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, -1.0], [1.0, 0.0]]])
    turns = torch.cat([turns, -turns])
    return turns[times]
