"""What lies in a run's folder, read for drawing. A missing or broken file costs its picture, never the report."""

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from neurorec.experiments.results import RunRecord

if TYPE_CHECKING:
    import numpy as np


def history(run: RunRecord) -> dict[int, float]:
    """Validation score by epoch, from history.csv; empty where the rule was not scored each epoch."""
    path = _file(run, "history.csv")
    if path is None:
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return dict(filter(None, (_scored(row) for row in csv.DictReader(file))))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}


def _scored(row: dict[str, str]) -> tuple[int, float] | None:
    try:
        epoch, score = int(float(row["epoch"])), float(row["validation_score"])
    except (KeyError, TypeError, ValueError):
        return None
    return (epoch, score) if math.isfinite(score) else None


def rasters(run: RunRecord) -> "tuple[np.ndarray, np.ndarray] | None":
    """(input raster [T, S, I], layer raster [T, S, H]) of the samples that were kept."""
    import numpy as np

    path = _file(run, "activity.npz")
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            seen, layer = arrays["input_raster"], arrays["raster"]
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return (seen, layer) if seen.ndim == layer.ndim == 3 and layer.shape[1] > 0 else None


def input_weights(run: RunRecord) -> "np.ndarray | None":
    """The input weights [H, I] of the recurrent layer."""
    path = _file(run, "weights.safetensors")
    if path is None:
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            weights = tensors.get_tensor("cell.w_in")
    except (OSError, SafetensorError):
        return None
    return weights if weights.ndim == 2 else None


def _file(run: RunRecord, name: str) -> Path | None:
    path = None if run.folder is None else Path(run.folder) / name
    return path if path is not None and path.is_file() else None
