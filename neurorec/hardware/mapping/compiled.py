"""Loads the compiled loops at first use, from a folder of the user's that survives the process."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache


@cache
def load_kernels() -> ModuleType:
    """`kernels.py`, compiled. The first call on a machine takes some seconds; later ones read the result."""
    import numba

    code = Path(__file__).with_name("kernels.py").read_bytes()
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(user_cache(f"mapping-{hashlib.sha256(code).hexdigest()[:16]}"))  # type: ignore[attr-defined]
    try:
        from neurorec.hardware.mapping import kernels
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
    return kernels
