"""Data sets that are not part of the package: where their files are expected, and what is known of a task without them.

    TEXT = DataFile("some_text/input.txt", size=..., sha256="...", origin="where to get it", licence="...")

    @tasks.register("some_text")
    @from_files(TEXT, inputs=65, outputs=65, sources=("author2015",))
    def some_text(seed):
        text = TEXT.read()

Such a task is listed, shown without its numbers, checked in cards and cited whether or not its files are there; loading it
raises `MissingData`, before anything runs.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import InputError
from neurorec.tasks.task import Task, load_task, tasks

FOLDER = "NEUROREC_DATA"
BESIDE = PACKAGE.parents[1] / "shared" / "data"

Make = TypeVar("Make", bound=Callable[[int], Task])


class MissingData(InputError):
    """The files of a data set are not on this machine. Nothing was started."""


def data_folder() -> Path:
    """NEUROREC_DATA, or ../shared/data beside the project. Raises `InputError` if NEUROREC_DATA is not a folder."""
    stated = os.environ.get(FOLDER)
    if stated and not Path(stated).is_dir():
        raise InputError(f"{FOLDER} is {stated}, but there is no such folder")
    return Path(stated) if stated else BESIDE


@dataclass(frozen=True)
class DataFile:
    """One file of a data set."""

    path: str  #: in the data folder: folder of the data set, and name
    size: int  #: in bytes
    sha256: str
    origin: str  #: where to get it
    licence: str

    def missing(self) -> str | None:
        """What is missing and what to do, or None if the file is there."""
        if (data_folder() / self.path).is_file():
            return None
        place = FOLDER if os.environ.get(FOLDER) else f"../shared/data beside the project, because {FOLDER} is not set"
        return (
            f"{self.path} is missing: looked in {data_folder()} ({place}). Get it from {self.origin} "
            f"(licence: {self.licence}), and set {FOLDER} to the folder that contains {self.path}"
        )

    def read(self) -> bytes:
        """The whole file. Raises `MissingData`; `InputError` if the content is not that of the origin."""
        if (reason := self.missing()) is not None:
            raise MissingData(reason)
        path = data_folder() / self.path
        size = path.stat().st_size
        if size != self.size:  # before reading, as it may be anything
            raise InputError(f"{path}: has {size:,} bytes, but {self.size:,} are expected; {self._again}")
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise InputError(f"{path}: its SHA-256 is {found}, but {self.sha256} is expected; {self._again}")
        return content

    @property
    def _again(self) -> str:
        return f"get the file again from {self.origin}"


@dataclass(frozen=True)
class DataSet:
    """The files of a task, and what is known of the task without them."""

    files: tuple[DataFile, ...]
    inputs: int
    outputs: int
    sources: tuple[str, ...]
    folds: int = 1  #: test splits, of which a seed takes the one of its number modulo `folds`

    def missing(self) -> str | None:
        """Why the task cannot be loaded here, or None if all its files are there."""
        return next((reason for file in self.files if (reason := file.missing()) is not None), None)


def from_files(
    *files: DataFile, inputs: int, outputs: int, sources: tuple[str, ...], folds: int = 1
) -> Callable[[Make], Make]:
    """Declares the files of a registered task, and what is known of it without them."""

    def declare(make: Make) -> Make:
        make.data_set = DataSet(files, inputs, outputs, sources, folds)  # type: ignore[attr-defined]
        return make

    return declare


def data_set_of(name: str) -> DataSet | None:
    """The files that the task `name` declares, or None if it needs none."""
    return getattr(tasks[name], "data_set", None)


def missing_data(name: str) -> str | None:
    """Why the task `name` cannot be loaded here, or None if it can."""
    declared = data_set_of(name)
    return None if declared is None else declared.missing()


def known(name: str) -> Any:
    """What has the `inputs`, `outputs` and `sources` of the task `name`, whether or not its files are there."""
    return data_set_of(name) or load_task(name, seed=0)
