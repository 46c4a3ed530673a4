"""Results on disk: a run's folder appears only when it is complete.

A run is written to `working/`, synced, and renamed to `done/RUN_ID`; renaming is atomic, so a kill -9 at any time leaves
either a complete run or remains in `working/`, which the next start removes. Only the client writes; workers return their
results by value.
"""

import csv
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from neurorec.basics.errors import CannotStore, InputError
from neurorec.basics.files import sync, write_atomically
from neurorec.engines.activity import Activity, from_arrays
from neurorec.experiments.finished import RECORD, Finished
from neurorec.experiments.results import RunRecord


class RunStore:
    """The folder runs/STUDY."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done, self.failed, self.working = folder / "done", folder / "failed", folder / "working"

    def open(self) -> None:
        """Make the folders and remove the remains of killed runs.

        Raises
        ------
        InputError
            If the folder is not writable.
        """
        try:
            for part in (self.done, self.failed, self.working):
                part.mkdir(parents=True, exist_ok=True)
            for rubbish in self.working.iterdir():
                shutil.rmtree(rubbish) if rubbish.is_dir() else rubbish.unlink()
            probe = self.working / "probe"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise InputError(
                f"{self.folder}: the output folder cannot be written ({error.strerror}); choose another with --out"
            ) from None

    def has(self, run_id: str) -> bool:
        return (self.done / run_id / "run.json").is_file()

    def put(self, run: Finished) -> None:
        """Store a finished or failed run.

        Raises
        ------
        CannotStore
            If it cannot be written; nothing of it remains in `done/` or `failed/`.
        """
        try:
            self._put_failed(run) if run.reason else self._put_done(run)
        except OSError as error:
            size = sum(map(len, run.files.values())) / 1e6
            raise CannotStore(
                f"{self.folder}: run {run.run_id} cannot be stored ({error.strerror}). It takes {size:.2f} MB, and "
                f"{shutil.disk_usage(self.folder).free / 1e6:.2f} MB are free. All runs stored before are complete; make "
                "room, and the same command continues from there"
            ) from None

    def _put_done(self, run: Finished) -> None:
        folder = self.working / f"{run.run_id}.{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        for name, content in run.files.items():
            (folder / name).write_bytes(content)
        for path in (*folder.iterdir(), folder):
            sync(path)
        target = self.done / run.run_id
        if not target.exists():
            os.rename(folder, target)
            sync(self.done)
        (self.failed / f"{run.run_id}.json").unlink(missing_ok=True)

    def _put_failed(self, run: Finished) -> None:
        write_atomically(self.failed / f"{run.run_id}.json", run.files[RECORD].decode())

    def get(self, run_id: str) -> RunRecord | None:
        """The finished or failed run, or None if it has not run."""
        folder = self.done / run_id
        if self.has(run_id):
            return record_from(json.loads((folder / "run.json").read_text()), folder)
        path = self.failed / f"{run_id}.json"
        return record_from(json.loads(path.read_text()), None) if path.is_file() else None


def read_run(folder: Path) -> RunRecord:
    """The record in a run's folder.

    Raises
    ------
    InputError
        If this is not the folder of a finished run.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise InputError(f"{folder}: this is not the folder of a finished run (no run.json); see runs/STUDY/done/")
    try:
        return record_from(json.loads(path.read_text()), folder)
    except (json.JSONDecodeError, TypeError) as error:
        raise InputError(f"{path}: not a run record of this version ({error}); run the study again") from None


def record_from(data: dict[str, Any], folder: Path | None) -> RunRecord:
    data = {**data, "judgements": [tuple(pair) for pair in data["judgements"]], "folder": folder}
    return RunRecord(**data)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def read_activity(folder: Path) -> Activity:
    with np.load(folder / "activity.npz", allow_pickle=False) as arrays:
        return from_arrays(dict(arrays))


def read_history(folder: Path) -> tuple[tuple[int, float], ...]:
    """Validation score after each epoch; empty if the rule was not scored per epoch."""
    with open(folder / "history.csv", newline="") as file:
        return tuple((int(row["epoch"]), float(row["validation_score"])) for row in csv.DictReader(file))
