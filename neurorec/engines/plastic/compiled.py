"""Generated kernels become modules on disk, one for each text, and numba keeps their machine code beside them.

The folder is one user's own. Several processes may write at once: a module appears whole or not at all, under the hash of
its text and with a fixed time stamp, so that nobody's machine code goes stale.
"""

import hashlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from neurorec.basics.files import user_cache

log = logging.getLogger(__name__)
STAMP_S = 1_000_000_000.0


@cache
def cache_folder() -> Path:
    """Where generated code is kept."""
    return user_cache("plastic")


def load_kernel(text: str) -> Callable[..., Any]:
    """The function `run` of the generated module `text`."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return _load(cache_folder(), f"kernel_{digest}", text)


_MODULES: dict[Path, Any] = {}


def _load(folder: Path, name: str, text: str) -> Callable[..., Any]:
    path = folder / f"{name}.py"
    if path not in _MODULES:
        if not path.exists():
            _write_whole(path, text)
        _say_once()
        spec = importlib.util.spec_from_file_location(f"neurorec_generated.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        _MODULES[path] = module
    return _MODULES[path].run


def _write_whole(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.utime(temporary, (STAMP_S, STAMP_S))  # numba keys its cache by this time and the size
    os.replace(temporary, path)


@cache
def _say_once() -> None:
    import llvmlite.binding
    import numba

    # loops over many arrays are vectorised only if they may first check at run time that these do not overlap
    llvmlite.binding.set_option("neurorec", "-runtime-memory-check-threshold=200")
    log.info("engine plastic runs compiled code (numba %s), kept in %s", numba.__version__, cache_folder())
