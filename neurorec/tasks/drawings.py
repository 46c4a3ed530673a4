"""Line drawings as inputs: blurred, centred and scaled by their ink, and distorted at random for training."""

from typing import NamedTuple

import torch
from torch import Tensor

SIDE = 14  #: pixels of a drawing as an input
POOLED = 3  #: pixels of a drawing per side of a pixel of its blurred copy
BLUR, REACH = 1.5, 5  #: standard deviation and radius of the blur, in pixels of the copy
SPREAD = 0.36  #: standard deviation of the ink along an axis, in half widths of the input
#: largest distortions: radians, log of a factor, slope, half widths
TURN, STRETCH, SHEAR, SHIFT = 0.35, 0.25, 0.35, 0.1


class Sheets(NamedTuple):
    """Drawings, prepared as inputs."""

    soft: Tensor  #: [N, S, S] blurred copies
    centre: Tensor  #: [N, 2] mean place (x, y) of the ink, in half widths from the middle
    spread: Tensor  #: [N] its standard deviation per axis


def prepared(ink: Tensor) -> Sheets:
    """Drawings ink [N, S, S] of 0 and 1; S is a multiple of 3."""
    steps = torch.arange(-REACH, REACH + 1).to(ink)
    kernel = (-(steps**2) / (2 * BLUR**2)).exp()
    kernel = kernel / kernel.sum()
    soft = torch.nn.functional.avg_pool2d(ink[:, None], POOLED)
    soft = torch.nn.functional.conv2d(soft, kernel[None, None, :, None], padding=(REACH, 0))
    soft = torch.nn.functional.conv2d(soft, kernel[None, None, None, :], padding=(0, REACH))
    return Sheets(soft[:, 0], *where(ink))


def shown(sheets: Sheets) -> Tensor:
    """Drawings as inputs [N, SIDE * SIDE] in 0..1, with the centre of the ink in the middle and its spread equal in all."""
    matrix = (sheets.spread / SPREAD)[:, None, None] * torch.eye(2).to(sheets.soft)
    return seen(sheets.soft, matrix, sheets.centre)


def distorted(sheets: Sheets, labels: Tensor, generator: torch.Generator) -> Tensor:
    """As `shown`, but each drawing is turned, stretched, sheared and shifted at random; besides, all drawings of a class are
    turned by the same multiple of 90 degrees."""
    draws = 2 * torch.rand(len(labels), 6, generator=generator) - 1
    turns = torch.randint(4, (int(labels.max()) + 1,), generator=generator)[labels]
    matrix = right_turn(turns) @ distortion(draws[:, :4]) * (sheets.spread / SPREAD)[:, None, None]
    return seen(sheets.soft, matrix, sheets.centre + SHIFT * draws[:, 4:])


def seen(soft: Tensor, matrix: Tensor, middle: Tensor) -> Tensor:
    """The inputs [N, SIDE * SIDE], whose pixel at place p shows the place matrix p + middle of the copy, in half widths."""
    grid = torch.nn.functional.affine_grid(
        torch.cat([matrix, middle[:, :, None]], 2), [len(soft), 1, SIDE, SIDE], align_corners=False
    )
    return torch.nn.functional.grid_sample(soft[:, None], grid, align_corners=False).flatten(1).clamp(0, 1)


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
