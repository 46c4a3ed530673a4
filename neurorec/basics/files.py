"""Writing so that nothing half-written is ever believed."""

import os
import tempfile
import uuid
from pathlib import Path


def user_cache(name: str) -> Path:
    """The folder `name` for compiled code: below XDG_CACHE_HOME/neurorec or ~/.cache/neurorec, or below a folder of this
    user's among the temporary files if neither can be written.

    Raises
    ------
    RuntimeError
        If none of them can be written.
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
    raise RuntimeError("no folder can be written for compiled code; set XDG_CACHE_HOME to one that can")


def sync(path: Path) -> None:
    """Wait until the file or folder `path` is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str) -> Path:
    """Write beside `path`, sync, rename: readers see the old file or the new one, never half of one."""
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
