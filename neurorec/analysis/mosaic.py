"""Square images side by side, as one picture."""

import math

import torch
from torch import Tensor

from neurorec.analysis.found import Picture


def mosaic(title: str, about: str, images: Tensor, row: int) -> Picture:
    """Images [N, side side], `row` in each row, with a gap between them."""
    side = math.isqrt(images.shape[1])
    rows = -(-len(images) // row)
    tiles = torch.full((rows * row, side + 1, side + 1), math.nan)
    tiles[: len(images), :side, :side] = images.reshape(-1, side, side).to(tiles.dtype)
    joined = tiles.unflatten(0, (rows, row)).permute(0, 2, 1, 3).reshape(rows * (side + 1), row * (side + 1))
    return Picture(title, about, "pixel", "pixel", joined[:-1, :-1].tolist(), "probability")
