"""How the progress of running workers reaches the client."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol


class Progress(NamedTuple):
    epoch: int
    epochs: int
    score: float | None  #: on the validation split, if the rule is scored per epoch


class Channel(Protocol):
    """Goes to every worker by value: `tell` is called there, `heard` at the client. Neither may raise."""

    def tell(self, run_id: str, progress: Progress) -> None: ...

    def heard(self) -> dict[str, Progress]:
        """The latest progress of runs in work, by run id."""
        ...

    def forget(self, run_id: str) -> None:
        """The run has ended."""


class FileChannel:
    """One small file per run in `folder`, for workers on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tell(self, run_id: str, progress: Progress) -> None:
        said = "" if progress.score is None else repr(progress.score)
        with suppress(OSError):
            self._file(run_id).write_text(f"{progress.epoch} {progress.epochs} {said}")

    def heard(self) -> dict[str, Progress]:
        found = {}
        for path in self.folder.glob("*.progress"):
            with suppress(OSError, ValueError):  # not written yet, or just being replaced
                epoch, epochs, *score = path.read_text().split()
                found[path.stem] = Progress(int(epoch), int(epochs), float(score[0]) if score else None)
        return found

    def forget(self, run_id: str) -> None:
        with suppress(OSError):
            self._file(run_id).unlink(missing_ok=True)

    def _file(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.progress"
