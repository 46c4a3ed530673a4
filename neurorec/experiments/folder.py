"""The output folder of a study: one command at a time works in it."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from neurorec.basics.errors import InputError
from neurorec.basics.files import remove_unfinished

LOCK, HOLDER = ".lock", ".lock_holder"
PATIENCE_S = 1.0  #: a killed process may need a moment to disappear


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make `folder` and keep other commands out of it. The system releases the lock when the process ends, however it ends.

    Raises
    ------
    InputError
        If the folder is not writable, or another command is at work in it.
    """
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, is_singleton=True)
        try:
            lock.acquire(timeout=PATIENCE_S)
        except Timeout:
            raise InputError(
                f"{folder}: another command is at work in this folder ({_holder(folder)}); wait until it ends, or choose "
                "another folder with --out"
            ) from None
    try:
        with suppress(OSError):  # it is only for the message above
            (folder / HOLDER).write_text(
                f"process {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}: "
                f"{' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}"
            )
        remove_unfinished(folder)
        yield
    finally:
        lock.release()


def open_folder(folder: Path, study: Path) -> None:
    """Make the output folder, with a copy of the study's card. Raises `InputError` if it is not writable."""
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if study.resolve() != (folder / "study.toml").resolve():
            shutil.copy(study, folder / "study.toml")


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{folder}: the output folder cannot be written ({error.strerror}); choose another with --out"
        ) from None


def _holder(folder: Path) -> str:
    try:
        return (folder / HOLDER).read_text(errors="replace")[:300]
    except OSError:
        return "it does not say which"
