"""Loads the compiled loops on first use, from a persistent folder of the user's."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache
from neurorec.engines.llvm.numba_cache import load_compiled


def wire_kernels() -> ModuleType:
    """`wire_kernels.py`, compiled. The first call on a machine takes some seconds; later ones load the result."""
    return _load("wire_kernels")


def route_kernels() -> ModuleType:
    """`route_kernels.py`, likewise."""
    return _load("route_kernels")


@cache
def _load(name: str) -> ModuleType:
    code = Path(__file__).with_name(f"{name}.py").read_bytes()
    folder = user_cache(f"mapping-{hashlib.sha256(code).hexdigest()[:16]}")
    return load_compiled(f"neurorec.hardware.mapping.{name}", folder)
