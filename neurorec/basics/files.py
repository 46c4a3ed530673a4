"""Writing so that nothing half-written is ever believed."""

import os
import uuid
from pathlib import Path


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
