"""Atomic writing: no reader ever sees a half-written file."""

import os
import tempfile
import uuid
from pathlib import Path


def user_cache(name: str) -> Path:
    """The cache folder `name` for compiled code: in XDG_CACHE_HOME/neurorec or ~/.cache/neurorec, or in a per-user temporary
    folder if neither is writable.

    Raises
    ------
    RuntimeError
        If none of them is writable.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    for parent in (Path(home) / "neurorec", Path(tempfile.gettempdir()) / f"neurorec-{user}"):
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    raise RuntimeError("no folder is writable for compiled code; set XDG_CACHE_HOME to a writable folder")


def sync(path: Path) -> None:
    """Wait until the file or folder `path` is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str) -> Path:
    """Write next to `path`, sync, rename: readers see either the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        sync(beside)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path
