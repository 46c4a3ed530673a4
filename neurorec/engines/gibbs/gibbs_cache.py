"""Loads the compiled loops on first use, from a persistent folder of the user's."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache
from neurorec.engines import fused, gibbs, llvm
from neurorec.engines.llvm.numba_cache import load_compiled
from neurorec.engines.llvm.processor import processor


@cache
def load_kernels(name: str) -> ModuleType:
    """The module of loops `name` of this folder. The first call on a machine compiles (seconds); later ones load the result."""
    folders = [Path(module.__path__[0]) for module in (fused, gibbs, llvm)]
    code = b"".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("*.py")))
    folder = f"gibbs-{hashlib.sha256(code + repr(processor()).encode()).hexdigest()[:16]}"
    return load_compiled(f"{gibbs.__name__}.{name}", user_cache(folder))
