"""Files in a run's folder, read for plots. A missing or broken file only omits its plot."""

import csv
import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from neurorec.basics.errors import InputError
from neurorec.engines.activity import from_arrays
from neurorec.experiments.results import RunRecord
from neurorec.models.wires import INPUT
from neurorec.training import load_pair

if TYPE_CHECKING:
    import numpy as np


def history(run: RunRecord) -> dict[int, float]:
    """Validation score by epoch, from history.csv; empty if the rule was not scored per epoch."""
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


def rasters(run: RunRecord) -> "dict[str, np.ndarray]":
    """Spikes [T, S, H] of the stored samples, by spiking layer; input lines first, if they spike."""
    import numpy as np

    path = _file(run, "activity.npz")
    if path is None:
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            layers = from_arrays(dict(arrays)).layers
    except (OSError, KeyError, ValueError, EOFError):
        return {}
    found = {name: seen.raster for name, seen in layers.items() if seen.signal == "spikes"}
    return {name: raster for name, raster in found.items() if raster.ndim == 3 and raster.shape[1] > 0}


def input_weights(run: RunRecord) -> "dict[str, np.ndarray]":
    """The input weights [H, I] of every layer that hears only the input."""
    path, card = _file(run, "weights.safetensors"), _file(run, f"{run.pair}.toml")
    if path is None or card is None:
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            names = {name: f"layers.{name}.w_in" for name in _hear_the_input(run, card)}
            found = {name: tensors.get_tensor(key) for name, key in names.items() if key in tensors.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return {}
    return {name: weights for name, weights in found.items() if weights.ndim == 2}


def _hear_the_input(run: RunRecord, card: Path) -> list[str]:
    """Layers that hear only the input, from the copy of the pair card stored with the run."""
    with suppress(InputError):
        wires = getattr(load_pair(card).half(run.half).architecture, "wires", ())
        return [name for name in run.layers if {wire.source for wire in wires if wire.target == name} == {INPUT}]
    return []


def _file(run: RunRecord, name: str) -> Path | None:
    path = None if run.folder is None else Path(run.folder) / name
    return path if path is not None and path.is_file() else None
