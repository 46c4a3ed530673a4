"""Atomic writing: no reader ever sees a half-written file. Safe names and places for files."""

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
import uuid
from pathlib import Path

from neurorec.basics.errors import CannotStore

LONGEST_STEM = 180  #: bytes; most file systems take names of 255
NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))  #: on the disk, or of the user's quota
UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}")


def user_cache(name: str) -> Path:
    """The cache folder `name` for compiled code: in XDG_CACHE_HOME/neurorec or ~/.cache/neurorec, or in a per-user temporary
    folder if neither is writable. What lies there is executed, so folders that others own or may write to are passed over.

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
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                if _is_private(parent) and _is_private(folder):
                    return folder
        except OSError:
            continue
    raise RuntimeError(
        "compiled code needs a writable folder that only you may write to; set XDG_CACHE_HOME to a writable folder of yours"
    )


def _is_private(folder: Path) -> bool:
    """Whether it is a folder of this user's, not a link, which nobody else may write to."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.getuid()
        and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def sync(path: Path) -> None:
    """Wait until the file or folder `path` is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_file_name(name: str) -> bool:
    """Whether `name` can name a file in a folder, and nothing outside of it."""
    return name not in ("", ".", "..") and name.isprintable() and not set(name) & set("/\\")


def file_stem(name: str) -> str:
    """`name` as the beginning of a file name: without separators, and cut to a length that every file system takes."""
    stem = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    if len(stem.encode()) <= LONGEST_STEM:
        return stem
    cut = stem.encode()[: LONGEST_STEM - 9].decode(errors="ignore")
    return f"{cut}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write next to `path`, sync, rename: readers see either the old file or the new one.

    Raises
    ------
    CannotStore
        If there is no room.
    """
    data = content if isinstance(content, bytes) else content.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        beside.write_bytes(data)
        sync(beside)
        os.replace(beside, path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise no_room(error, path, len(data)) from None
        raise
    return path


def no_room(error: OSError, path: Path, size: int) -> CannotStore:
    """`error` in words: `size` bytes cannot be written to `path`."""
    free = shutil.disk_usage(path.parent).free
    return CannotStore(
        f"{path}: cannot be written ({error.strerror}). It takes {size / 1e6:.2f} MB, and {free / 1e6:.2f} MB are free. All "
        "that was stored before is complete; free some space and repeat the command, which continues from there"
    )


def remove_unfinished(folder: Path) -> None:
    """Remove what `write_atomically` left in the folder when the process was killed. No other process may be writing there."""
    for path in folder.iterdir():
        if UNFINISHED.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
