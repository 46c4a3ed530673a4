"""Two measured rates of the machine, on which the stated limits are based."""

import time
from typing import Any, cast

import numba
import numpy as np
import torch

from neurorec.engines.fused import vectors
from neurorec.engines.fused.emit import TILE_ROWS
from neurorec.engines.fused.threads import share

add_product = cast(Any, vectors.add_product)


@numba.njit(nogil=True)
def _products(total: Any, left: Any, weights: Any, times: int) -> None:
    for _ in range(times):
        add_product(
            total.ctypes.data, left.ctypes.data, left.shape[1], weights.ctypes.data, len(weights), weights.shape[1]
        )


def product_rate(H: int = 256, times: int = 400) -> float:
    """Floating-point operations per second of the engine's dense product, on all threads, the best of several tries."""
    batch = TILE_ROWS * torch.get_num_threads()

    def work(low: int, high: int, part: int) -> None:
        left, weights = np.ones((TILE_ROWS, H), np.float32), np.ones((H, H), np.float32)
        _products(np.zeros((TILE_ROWS, H), np.float32), left, weights, times)

    share(batch, work)
    best = min(_seconds(lambda: share(batch, work)) for _ in range(20))
    return 2 * TILE_ROWS * H * H * times * torch.get_num_threads() / best


def copy_rate(size: int = 2**26) -> float:
    """Bytes read and written per second by a copy much larger than the cache."""
    source, target = torch.ones(size // 4), torch.ones(size // 4)
    return 2 * size / min(_seconds(lambda: target.copy_(source)) for _ in range(10))


def _seconds(action: Any) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
