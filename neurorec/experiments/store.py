"""Results on disk: a run's folder appears only when it is complete, and is read only if it is unchanged.

A run is written to `working/`, synced, and renamed to `done/RUN_ID`; renaming is atomic, so a kill -9 at any time leaves
either a complete run or remains in `working/`, which the next start removes. Only the client writes; workers return their
results by value. A damaged run is moved to `quarantine/`.
"""

import csv
import io
import json
import os
import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load

from neurorec.basics.errors import InputError
from neurorec.basics.files import is_file_name, no_room, remove_unfinished, sync, write_atomically
from neurorec.basics.plain import from_plain, read_plain
from neurorec.engines.activity import Activity, from_arrays
from neurorec.experiments.finished import ACTIVITY, HISTORY, RECORD, WEIGHTS, Finished
from neurorec.experiments.manifest import MANIFEST, REMEDY, Damaged, StoredFiles, manifest_of
from neurorec.experiments.results import RunRecord
from neurorec.training import LoadedPair, pair_from_text

MOST_LINES = 10**9  #: inputs or outputs of a network


class RunStore:
    """The folder runs/STUDY, which the caller holds (`held`) while it writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done, self.failed, self.working = folder / "done", folder / "failed", folder / "working"
        self.quarantine = folder / "quarantine"

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
            remove_unfinished(self.failed)
            probe = self.working / "probe"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise InputError(
                f"{self.folder}: the output folder cannot be written ({error.strerror}); choose another with --out"
            ) from None

    def has(self, run_id: str) -> bool:
        """Whether the run is done. Raises `Damaged` if any file of it is not what was stored."""
        if not os.path.lexists(self.done / run_id):
            return False
        self._read(run_id)
        return True

    def set_aside(self, run_id: str) -> Path:
        """Move a damaged run to the quarantine; returns its place there."""
        place = self.quarantine / f"{run_id}.{uuid.uuid4().hex[:8]}"
        self.quarantine.mkdir(exist_ok=True)
        os.rename(self.done / run_id, place)
        return place

    def put(self, run: Finished) -> None:
        """Store a finished or failed run.

        Raises
        ------
        CannotStore
            If it cannot be written; nothing of it remains.
        """
        folder = self.working / f"{run.run_id}.{uuid.uuid4().hex[:8]}"
        try:
            self._put_failed(run) if run.reason else self._put_done(run, folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise no_room(error, self.done / run.run_id, sum(map(len, run.files.values()))) from None

    def _put_done(self, run: Finished, folder: Path) -> None:
        folder.mkdir()
        for name, content in (run.files | {MANIFEST: manifest_of(run.files)}).items():
            (folder / name).write_bytes(content)
        for path in (*folder.iterdir(), folder):
            sync(path)
        if os.path.lexists(self.done / run.run_id):
            self.set_aside(run.run_id)
        os.rename(folder, self.done / run.run_id)
        sync(self.done)
        (self.failed / f"{run.run_id}.json").unlink(missing_ok=True)

    def _put_failed(self, run: Finished) -> None:
        write_atomically(self.failed / f"{run.run_id}.json", run.files[RECORD].decode())

    def get(self, run_id: str) -> RunRecord | None:
        """The finished or failed run, or None if it has not run. Raises `Damaged`."""
        if os.path.lexists(self.done / run_id):
            return self._read(run_id)
        path = self.failed / f"{run_id}.json"
        return read_plain(RunRecord, path, "the record of a failed run", REMEDY) if path.is_file() else None

    def _read(self, run_id: str) -> RunRecord:
        record = read_run(self.done / run_id)
        if record.run_id != run_id:
            raise Damaged(f"{self.done / run_id}: damaged (it contains run {record.run_id}); {REMEDY}")
        return record


def read_run(folder: Path) -> RunRecord:
    """The record in a run's folder.

    Raises
    ------
    InputError
        If this is not the folder of a finished run, or any file in it is damaged.
    """
    files = StoredFiles(folder)
    files.verify()
    return replace(files.parse(RECORD, _record), folder=folder)


def _record(content: bytes) -> RunRecord:
    record = from_plain(RunRecord, json.loads(content))
    for name in filter(None, (record.run_id, record.pair, record.rule, record.task)):
        if not is_file_name(name):
            raise ValueError(f"{name!r} cannot be the name of a file")
    if not 0 <= record.seed < 2**32:
        raise ValueError(f"seed {record.seed} is not between 0 and 2**32 - 1")
    for name, size in (("inputs", record.inputs), ("outputs", record.outputs)):
        if not 0 <= size <= MOST_LINES:
            raise ValueError(f"{size} {name} are not between 0 and {MOST_LINES:,}")
    return record


def read_pair(record: RunRecord, folder: Path) -> LoadedPair:
    """The pair that a stored run trained, from the copy of the card stored with it. Raises `InputError`."""
    return pair_from_text(*stored_card(record, folder))


def stored_card(record: RunRecord, folder: Path) -> tuple[str, Path]:
    """The text and the path of the copy of the pair card stored with a run."""
    path = f"{record.pair}.toml"
    return StoredFiles(folder).parse(path, bytes.decode), folder / path


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    return StoredFiles(folder).parse(WEIGHTS, load)


def read_activity(folder: Path) -> Activity:
    return StoredFiles(folder).parse(ACTIVITY, _activity)


def _activity(content: bytes) -> Activity:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return from_arrays(dict(arrays))


def read_history(folder: Path) -> tuple[tuple[int, float], ...]:
    """Validation score after each epoch; empty if the rule was not scored per epoch."""
    return StoredFiles(folder).parse(HISTORY, _history)


def _history(content: bytes) -> tuple[tuple[int, float], ...]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return tuple((int(row["epoch"]), float(row["validation_score"])) for row in rows if row["validation_score"])
