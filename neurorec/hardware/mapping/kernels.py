"""Loads the compiled loops on first use, from a persistent folder of the user's."""

import hashlib
import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache


def wire_kernels() -> ModuleType:
    """`wire_kernels.py`, compiled. The first call on a machine takes some seconds; later ones load the result."""
    return _load("wire_kernels")


def route_kernels() -> ModuleType:
    """`route_kernels.py`, likewise."""
    return _load("route_kernels")


@cache
def _load(name: str) -> ModuleType:
    import numba

    code = Path(__file__).with_name(f"{name}.py").read_bytes()
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(user_cache(f"mapping-{hashlib.sha256(code).hexdigest()[:16]}"))  # type: ignore[attr-defined]
    try:
        return importlib.import_module(f"neurorec.hardware.mapping.{name}")
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
