"""Compiled sweeps of energy models at a temperature. numba is loaded on first use."""

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

from neurorec.basics.files import user_cache
from neurorec.engines.llvm.numba_cache import load_compiled


@cache
def load_lattice() -> ModuleType:
    """The module of lattice sweeps. The first call on a machine compiles (seconds)."""
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return load_compiled("neurorec.engines.gibbs.lattice", user_cache(f"gibbs-{hashlib.sha256(code).hexdigest()[:16]}"))
