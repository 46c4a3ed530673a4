"""Loads numba and the compiled time loops on first use, from a persistent folder of the user's."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache
from neurorec.engines import fused, llvm
from neurorec.engines.llvm.numba_cache import load_compiled
from neurorec.engines.llvm.processor import processor


@cache
def load_loops() -> ModuleType:
    """The module of time loops. The first call on a machine compiles (seconds); later ones load the result."""
    return load_compiled("neurorec.engines.fused.loops", cache_folder())


@cache
def load_adjoint_loops() -> ModuleType:
    """The time loops of `adjoint_loops.py`, likewise."""
    return load_compiled("neurorec.engines.fused.adjoint_loops", cache_folder())


def cache_folder() -> Path:
    """One folder per version of the code and processor. numba replaces files atomically, so several
    processes may share it."""
    folders = [Path(module.__path__[0]) for module in (fused, llvm)]
    code = b"".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("*.py")))
    return user_cache(f"fused-{hashlib.sha256(code + repr(processor()).encode()).hexdigest()[:16]}")
