"""Loads numba and the compiled time loops at first use, from a folder of the user's that survives the process."""

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType


@cache
def load_loops() -> ModuleType:
    """The module of time loops. The first call on a machine compiles (some seconds); later ones read the result."""
    import numba

    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    try:
        from neurorec.engines.fused import loops
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
    return loops


def cache_folder() -> Path:
    """XDG_CACHE_HOME/neurorec or ~/.cache/neurorec, or a folder of this user's among the temporary files if neither can be
    written; below it one folder for each state of this package's code. numba replaces files in it whole, so several
    processes may share it."""
    here = Path(__file__).parent
    code = b"".join(path.read_bytes() for path in sorted(here.glob("*.py")))
    state = f"fused-{hashlib.sha256(code).hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    for parent in (Path(home) / "neurorec", Path(tempfile.gettempdir()) / f"neurorec-{user}"):
        folder = parent / state
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    raise RuntimeError("no folder can be written for compiled code; set XDG_CACHE_HOME to one that can")
