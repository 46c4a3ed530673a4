"""Loads numba and the compiled time loops on first use, from a persistent folder of the user's."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache
from neurorec.engines import fused, llvm
from neurorec.engines.llvm.processor import processor


@cache
def load_loops() -> ModuleType:
    """The module of time loops. The first call on a machine compiles (seconds); later ones load the result."""
    import numba

    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    try:
        from neurorec.engines.fused import loops
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
    return loops


def cache_folder() -> Path:
    """One folder per version of the code and processor. numba replaces files atomically, so several
    processes may share it."""
    folders = [Path(module.__path__[0]) for module in (fused, llvm)]
    code = b"".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("*.py")))
    return user_cache(f"fused-{hashlib.sha256(code + repr(processor()).encode()).hexdigest()[:16]}")
