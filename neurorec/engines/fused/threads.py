"""Threads that share the samples of a batch: torch's own, if they are accessible.

Torch's OpenMP workers keep spinning for some milliseconds after each operation. Other threads would compete with them for
cores; work given to these workers starts at once.
"""

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from neurorec.engines.llvm.processor import processor


def count_threads(batch: int) -> int:
    """The number of threads that torch may use, at most one per tile of samples."""
    return max(1, min(torch.get_num_threads(), -(-batch // processor().tile_rows)))


def share(batch: int, work: Callable[[int, int, int], Any]) -> list[Any]:
    """work(low, high, part) for each part of the batch. The partition depends only on the batch and the number of threads, so
    that the same call adds the same numbers in the same order."""
    rows, parts = processor().tile_rows, count_threads(batch)
    tiles = -(-batch // rows)
    cuts = [min(batch, tiles * part // parts * rows) for part in range(parts + 1)]
    results: list[Any] = [None] * parts
    errors: list[BaseException] = []

    def run(part: int) -> None:
        try:
            results[part] = work(cuts[part], cuts[part + 1], part)
        except BaseException as error:  # re-raised in the caller's thread
            errors.append(error)

    if parts == 1:
        run(0)
    elif (pool := _torch_pool()) is not None:
        pool(run, parts)
    else:
        run_beside(run, parts)
    if errors:
        raise errors[0]
    return results


def run_beside(run: Callable[[int], None], parts: int) -> None:
    """Part 0 in this thread, each other part in a new one."""
    others = [threading.Thread(target=run, args=(part,)) for part in range(1, parts)]
    for other in others:
        other.start()
    run(0)
    for other in others:
        other.join()


@cache
def _torch_pool() -> Callable[[Callable[[int], None], int], None] | None:
    """Runs parts in the workers of torch's GNU OpenMP library; None if torch has none."""
    libraries = sorted((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))
    if len(libraries) != 1:
        return None
    try:
        library = ctypes.CDLL(str(libraries[0]))
        parallel, number, team = library.GOMP_parallel, library.omp_get_thread_num, library.omp_get_num_threads
    except (OSError, AttributeError):
        return None
    body_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    parallel.argtypes, parallel.restype = (body_type, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None

    def run_in_pool(run: Callable[[int], None], parts: int) -> None:
        def body(_: Any) -> None:
            for part in range(number(), parts, team()):  # OpenMP may grant fewer threads than requested
                run(part)

        parallel(body_type(body), None, parts, 0)

    return run_in_pool
