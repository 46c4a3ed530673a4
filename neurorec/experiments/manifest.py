"""manifest.json in the folder of a run: size and SHA-256 of every file. A file is read only if it is what was stored."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from neurorec.basics.errors import InputError
from neurorec.basics.files import is_file_name

MANIFEST = "manifest.json"
LARGEST = 100_000  #: bytes of a manifest
REMEDY = "run the study again, which sets this run aside and repeats it"

T = TypeVar("T")


class Damaged(InputError):
    """A file of a stored run is missing, or is not what was stored."""


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files."""
    entries = {name: {"bytes": len(content), "sha256": _digest(content)} for name, content in files.items()}
    return json.dumps(entries, indent=1).encode()


class StoredFiles:
    """The files of a stored run.

    Raises
    ------
    InputError
        If this is not the folder of a run of this version.
    Damaged
        Here and in each method, if a file is missing or is not what was stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / MANIFEST
        if not path.is_file():
            if (folder / "run.json").is_file():
                raise Damaged(f"{path}: missing, or this run was stored by an older version of neurorec; {REMEDY}")
            raise InputError(f"{folder}: this is not the folder of a finished run; see runs/STUDY/done/")
        self.entries = _entries(path)

    def read(self, name: str) -> bytes:
        path = self.folder / name
        if name not in self.entries:
            raise Damaged(f"{path}: not among the stored files of this run; {REMEDY}")
        size, sha256 = self.entries[name]
        if not path.is_file():
            raise Damaged(f"{path}: missing; {REMEDY}")
        content = _read(path, size)
        if len(content) != size or _digest(content) != sha256:
            raise Damaged(f"{path}: damaged (it is not what was stored: its SHA-256 differs); {REMEDY}")
        return content

    def parse(self, name: str, parse: Callable[[bytes], T]) -> T:
        """`parse` of the content."""
        content = self.read(name)
        try:
            return parse(content)
        except Exception as error:
            raise Damaged(f"{self.folder / name}: not a file of this version ({error}); {REMEDY}") from None

    def verify(self) -> None:
        """Check every file."""
        for name in self.entries:
            self.read(name)


def _entries(path: Path) -> dict[str, tuple[int, str]]:
    try:
        data = json.loads(_read(path, LARGEST))
        entries = {name: (entry["bytes"], entry["sha256"]) for name, entry in data.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        entries = {}
    right = all(is_file_name(name) and isinstance(size, int) for name, (size, _) in entries.items())
    if not entries or not right:
        raise Damaged(f"{path}: damaged (not a list of files with their SHA-256); {REMEDY}")
    return entries


def _read(path: Path, size: int) -> bytes:
    """At most one byte more than `size`."""
    try:
        with path.open("rb") as file:
            return file.read(size + 1)
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
