"""Files in a run's folder, read for plots. A missing or damaged file only omits its plot."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from neurorec.basics.errors import InputError
from neurorec.experiments.results import RunRecord
from neurorec.experiments.store import read_activity, read_history, read_pair, read_weights
from neurorec.models.wires import INPUT

if TYPE_CHECKING:
    import numpy as np


def history(run: RunRecord) -> dict[int, float]:
    """Validation score by epoch, from history.csv; empty if the rule was not scored per epoch."""
    with suppress(InputError):
        return {epoch: score for epoch, score in read_history(run.stored_in) if math.isfinite(score)}
    return {}


def rasters(run: RunRecord) -> "dict[str, np.ndarray]":
    """Spikes [T, S, H] of the stored samples, by spiking layer; input lines first, if they spike."""
    with suppress(InputError):
        layers = read_activity(run.stored_in).layers
        found = {name: seen.raster for name, seen in layers.items() if seen.signal == "spikes"}
        return {name: raster for name, raster in found.items() if raster.ndim == 3 and raster.shape[1] > 0}
    return {}


def input_weights(run: RunRecord) -> "dict[str, np.ndarray]":
    """The input weights [H, I] of every layer that hears only the input."""
    with suppress(InputError):
        tensors = read_weights(run.stored_in)
        keys = {name: f"layers.{name}.w_in" for name in _hear_the_input(run)}
        found = {name: tensors[key].numpy() for name, key in keys.items() if key in tensors}
        return {name: weights for name, weights in found.items() if weights.ndim == 2}
    return {}


def _hear_the_input(run: RunRecord) -> list[str]:
    """Layers that hear only the input, from the copy of the pair card stored with the run."""
    wires = getattr(read_pair(run, run.stored_in).half(run.half).architecture, "wires", ())
    return [name for name in run.layers if {wire.source for wire in wires if wire.target == name} == {INPUT}]
