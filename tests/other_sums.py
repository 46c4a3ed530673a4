"""Matrix products that add in another order for every shape, as those of some processors do.

`pytest --other-sums SEED` takes them for torch's own on the CPU. A test that then fails compares more closely than the order of
sums allows; tests/rounding.py says how closely it may.
"""

import random
import warnings
from functools import cache

import torch
from torch import Tensor


@cache
def shuffled(n: int, seed: int) -> list[int]:
    """0 to n - 1. Not drawn by torch, which refuses to while it maps a derivative over rows."""
    return random.Random(seed).sample(range(n), n)


class OtherSums:
    """aten's products, for as long as this object is kept."""

    def __init__(self, seed: int) -> None:
        self.seed, self.library = seed, torch.library.Library("aten", "IMPL")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the kernels replace torch's is meant
            for name in ("mm", "addmm", "mv", "dot"):
                self.library.impl(name, getattr(self, name), "CPU")

    def mm(self, a: Tensor, b: Tensor) -> Tensor:
        """a @ b in two halves of terms, drawn by chance for the number of rows and of terms."""
        rows, terms = a.shape
        if terms < 2 or not a.is_floating_point():
            return torch.bmm(a[None], b[None])[0]
        order = shuffled(terms, self.seed * 1_000_003 + rows * 1_009 + terms)
        one, two = (torch.bmm(a[None, :, half], b[None, half])[0] for half in torch.tensor(order).tensor_split(2))
        return one + two

    def addmm(self, c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        product = alpha * self.mm(a, b)
        return product if beta == 0 else product + beta * c

    def mv(self, a: Tensor, b: Tensor) -> Tensor:
        return self.mm(a, b[:, None])[:, 0]

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        return self.mm(a[None], b[:, None])[0, 0]
