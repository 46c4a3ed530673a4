"""Kernels from text to machine code, in the process that runs them: some hundredths of a second, so nothing is kept on disk."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compiled:
    """run(begin, end, dt, address of the table of arrays) -> the step it came to."""

    run: Callable[[int, int, float, int], int]
    owner: Any  #: of the machine code


def load_kernel(text: str, arrays: list[np.ndarray]) -> Compiled:
    """The function `run` of `text`, compiled for arrays of these types."""
    return _compile(text, tuple((str(array.dtype), array.ndim) for array in arrays))


def table_of(arrays: list[np.ndarray]) -> np.ndarray:
    """Where the arrays lie and what shape they have; the caller keeps them alive."""
    return np.array([part for array in arrays for part in (array.ctypes.data, *array.shape)], np.int64)


@lru_cache(maxsize=64)
def _compile(text: str, types: tuple[tuple[str, int], ...]) -> Compiled:
    import ctypes

    from llvmlite import binding

    from neurorec.engines.plastic.to_llvm import Module

    _prepare_once()
    module = Module(text)
    module.entry("run", "iif", list(types))
    parsed = binding.parse_assembly(str(module.llvm))
    parsed.verify()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3
    )
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = binding.create_pass_builder(target, options)
    builder.getModulePassManager().run(parsed, builder)
    engine = binding.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_double, ctypes.c_int64)
    return Compiled(prototype(engine.get_function_address("entry")), engine)


@cache
def _prepare_once() -> None:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # loops over many arrays are vectorised only if they may first check at run time that these do not overlap
    binding.set_option("neurorec", "-runtime-memory-check-threshold=200")
    log.info("engine plastic runs compiled code (LLVM %s)", ".".join(map(str, binding.llvm_version_info)))
