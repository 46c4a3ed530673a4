"""Compiles kernels from text to machine code, in hundredths of a second."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from neurorec.engines.llvm.machine_code import machine_code

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compiled:
    """run(begin, end, dt, address of the table of arrays) -> the last step reached."""

    run: Callable[[int, int, float, int], int]
    owner: Any  #: keeps the machine code alive


def load_kernel(text: str, arrays: list[np.ndarray]) -> Compiled:
    """The function `run` of `text`, compiled for arrays of these types."""
    return _compile(text, tuple((str(array.dtype), array.ndim) for array in arrays))


def table_of(arrays: list[np.ndarray]) -> np.ndarray:
    """Addresses and shapes of the arrays, which the caller keeps alive."""
    return np.array([part for array in arrays for part in (array.ctypes.data, *array.shape)], np.int64)


@lru_cache(maxsize=64)
def _compile(text: str, types: tuple[tuple[str, int], ...]) -> Compiled:
    import ctypes

    from neurorec.engines.plastic.to_llvm import Module

    _prepare_once()
    module = Module(text)
    module.entry("run", "iif", list(types))
    code = machine_code(module.llvm, "entry")
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_double, ctypes.c_int64)
    return Compiled(prototype(code.addresses["entry"]), code)


@cache
def _prepare_once() -> None:
    from llvmlite import binding

    # loops over many arrays are vectorised only if LLVM may check at run time that they do not overlap
    binding.set_option("neurorec", "-runtime-memory-check-threshold=200")
    log.info("engine plastic runs compiled code (LLVM %s)", ".".join(map(str, binding.llvm_version_info)))
