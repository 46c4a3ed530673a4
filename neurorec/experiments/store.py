"""Results on disk: a run's folder appears only when it is complete.

A run is written to `working/`, synced, and renamed to `done/RUN_ID`; renaming is atomic, so a kill -9 at any time leaves
either a complete run or remains in `working/`, which the next start removes.
"""

import csv
import json
import os
import shutil
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from neurorec.basics.errors import InputError
from neurorec.basics.files import sync, write_atomically
from neurorec.engines.activity import Activity, as_arrays, from_arrays
from neurorec.experiments.results import RunRecord
from neurorec.training import Run


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

    def put(self, record: RunRecord, run: Run | None = None, card: Path | None = None) -> None:
        """RunStore a finished run; for a trained network, with weights, history, activity and a copy of its pair `card`."""
        folder = self.working / f"{record.run_id}.{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        if card is not None:
            shutil.copy(card, folder / f"{record.pair}.toml")
        if run is not None:
            save_file({k: v.detach().cpu().contiguous() for k, v in run.network.state_dict().items()},
                      folder / "weights.safetensors")  # fmt: skip
            np.savez_compressed(folder / "activity.npz", **as_arrays(run.activity))
            with open(folder / "history.csv", "w", newline="") as file:
                writer = csv.DictWriter(file, ["epoch", "loss", "validation_score"])
                writer.writeheader()
                writer.writerows(run.history)
        (folder / "run.json").write_text(json.dumps(_plain(record), indent=1))
        for path in (*folder.iterdir(), folder):
            sync(path)
        target = self.done / record.run_id
        if not target.exists():
            os.rename(folder, target)
            sync(self.done)
        (self.failed / f"{record.run_id}.json").unlink(missing_ok=True)

    def put_failed(self, record: RunRecord) -> None:
        write_atomically(self.failed / f"{record.run_id}.json", json.dumps(_plain(record), indent=1))

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


def _plain(record: RunRecord) -> dict[str, Any]:
    data = asdict(record)
    del data["folder"]
    return data
