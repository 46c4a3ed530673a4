"""What a worker returns: the files of a finished run, by value, so that it needs no access to the study's folder."""

import csv
import io
import json
from dataclasses import asdict, dataclass

import numpy as np
from safetensors.torch import save

from neurorec.engines.activity import as_arrays
from neurorec.experiments.results import RunRecord
from neurorec.training import Run

RECORD, WEIGHTS, ACTIVITY, HISTORY = "run.json", "weights.safetensors", "activity.npz", "history.csv"


@dataclass(frozen=True)
class Finished:
    """A finished or failed run, ready to be stored."""

    run_id: str
    files: dict[str, bytes]  #: by name; the record alone for a failed run or a baseline
    reason: str = ""  #: why it failed


def finished(record: RunRecord, run: Run | None = None, card: str = "") -> Finished:
    """The files of `record`; for a trained network also weights, history, activity and the text of its pair `card`."""
    files = {RECORD: _json(record)}
    if card:
        files[f"{record.pair}.toml"] = card.encode()
    if run is not None:
        weights = {name: value.detach().cpu().contiguous() for name, value in run.network.state_dict().items()}
        files |= {WEIGHTS: save(weights), ACTIVITY: _arrays(run), HISTORY: _history(run)}
    return Finished(record.run_id, files, record.reason)


def _json(record: RunRecord) -> bytes:
    data = asdict(record)
    del data["folder"]
    return json.dumps(data, indent=1).encode()


def _arrays(run: Run) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **as_arrays(run.activity))
    return file.getvalue()


def _history(run: Run) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, ["epoch", "loss", "validation_score"])
    writer.writeheader()
    writer.writerows(run.history)
    return file.getvalue().encode()
