"""Modules compiled by numba, with a cache on disk of which damaged files are dropped and built again."""

import hashlib
import importlib
import pickle
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any


def load_compiled(module: str, folder: Path) -> ModuleType:
    """Import `module`, whose functions numba compiles at their first call (seconds), or loads from `folder`."""
    import numba

    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    try:
        loaded = importlib.import_module(module)
        for function in vars(loaded).values():
            if hasattr(function, "py_func") and hasattr(getattr(function, "_cache", None), "_cache_file"):
                function._cache = _checked_cache(function.py_func)
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
    return loaded


def _checked_cache(function: Any) -> Any:
    from numba.core.caching import FunctionCache, IndexDataCacheFile

    class CheckedFile(IndexDataCacheFile):
        """Index and data files that begin with their SHA-256."""

        def _load_index(self) -> dict:
            try:
                version, stamp, overloads = self._read(self._index_path)
            except OSError:
                return {}
            return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

        def _save_index(self, overloads: dict) -> None:
            self._write(self._index_path, (self._version, self._source_stamp, overloads))

        def _load_data(self, name: str) -> Any:
            return self._read(self._data_path(name))  # numba compiles after an OSError

        def _save_data(self, name: str, data: Any) -> None:
            self._write(self._data_path(name), data)

        def _read(self, path: str) -> Any:
            content = Path(path).read_bytes()
            if hashlib.sha256(content[32:]).digest() != content[:32]:
                raise OSError(f"{path}: damaged")
            return pickle.loads(content[32:])

        def _write(self, path: str, data: Any) -> None:
            content = self._dump(data)
            with self._open_for_write(path) as file:
                file.write(hashlib.sha256(content).digest() + content)

    class CheckedCache(FunctionCache):
        def __init__(self, function: Any) -> None:
            super().__init__(function)
            kept = self._cache_file
            self._cache_file = CheckedFile(self._cache_path, kept._index_name.removesuffix(".nbi"), kept._source_stamp)

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(OSError):  # no room: it is compiled again the next time
                super().save_overload(sig, data)

    return CheckedCache(function)
