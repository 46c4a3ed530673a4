"""Observed activity of a model: exact integer counts over all samples, and a few rasters for plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurorec.basics.counts import Ran
from neurorec.basics.quantities import plural
from neurorec.models.layer import Signal
from neurorec.models.wires import INPUT

RASTER_SAMPLES = 3


@dataclass(frozen=True, repr=False)
class LayerActivity:
    """Spikes of one layer (or of the input lines); H units. All are zero if the layer sends values, since a value is sent
    on every line in every step."""

    signal: Signal
    spikes: np.ndarray  #: [H] spikes per unit
    passed_on: np.ndarray  #: [H] spikes that a delayed wire delivers: all but those of each sample's last step
    raster: np.ndarray  #: [T, S, H] bool, of the first S samples
    steps: np.ndarray | None = None  #: [T, H] spikes per step and unit; None if only totals are known
    passed_on_steps: np.ndarray | None = None  #: [T, H]
    brought: np.ndarray | None = None
    """[H] spikes that a wire along a tree delivers (all but those of roots), or along reading (the last ones, repeatedly); of
    the input of networks that first read: those sent while writing."""
    brought_steps: np.ndarray | None = None  #: [T, H] by the steps in which they arrive
    ran: Ran | None = None

    def __repr__(self) -> str:
        sent = plural(int(self.spikes.sum()), "spike") if self.signal == "spikes" else "values"
        return f"{plural(len(self.spikes), 'unit')}, {sent}"

    @property
    def spikes_per_step(self) -> np.ndarray | None:
        """[T] spikes of the whole layer."""
        return None if self.steps is None else self.steps.sum(1)

    @property
    def silent_share(self) -> float:
        """Share of units that never spiked."""
        return float((self.spikes == 0).mean())

    def totals_only(self, spikes: np.ndarray, passed_on: np.ndarray) -> "LayerActivity":
        """The same layer with other totals, and nothing known per step."""
        return replace(self, spikes=spikes, passed_on=passed_on, steps=None, passed_on_steps=None, brought_steps=None)


@dataclass(frozen=True, repr=False)
class Activity:
    """Counts over `samples` samples of `steps` time steps each: exact integers, summed over samples, by layer name ("input"
    for the input lines)."""

    samples: int
    steps: int
    layers: Mapping[str, LayerActivity]
    running: np.ndarray | None = None  #: [T] number of samples still running
    skipped_steps: int = 0  #: steps after the end of shorter samples, summed over samples

    def __repr__(self) -> str:
        layers = "; ".join(f"{name}: {seen}" for name, seen in self.layers.items())
        return f"Activity({plural(self.samples, 'sample')}, {plural(self.steps, 'step')}; {layers})"

    @property
    def input(self) -> LayerActivity:
        return self.layers[INPUT]

    @property
    def hidden(self) -> dict[str, LayerActivity]:
        """The layers that send spikes."""
        return {name: seen for name, seen in self.layers.items() if name != INPUT and seen.signal == "spikes"}

    @property
    def sample_steps(self) -> int:
        """Steps that were run, summed over samples."""
        return self.samples * self.steps - self.skipped_steps

    @property
    def spikes_per_sample(self) -> float:
        """Spikes of all layers per sample."""
        return float(sum(seen.spikes.sum() for seen in self.hidden.values()) / max(1, self.samples))

    @property
    def silent_share(self) -> float:
        """Share of units of the spiking layers that never spiked."""
        silent = [seen.spikes == 0 for seen in self.hidden.values()]
        return float(np.concatenate(silent).mean()) if silent else 0.0


def joined(parts: Sequence[Activity]) -> Activity:
    """What was observed of the same model in several parts of its samples, as if in one."""
    if len(parts) == 1:
        return parts[0]
    first, running = parts[0], [part.running for part in parts if part.running is not None]
    layers = {name: _joined_layer([part.layers[name] for part in parts]) for name in first.layers}
    samples, skipped = (sum(getattr(part, name) for part in parts) for name in ("samples", "skipped_steps"))
    return Activity(samples, first.steps, layers, np.sum(running, 0) if running else None, skipped)


def _joined_layer(parts: Sequence[LayerActivity]) -> LayerActivity:
    def added(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.sum(values, 0)

    raster = np.concatenate([part.raster for part in parts], 1)[:, :RASTER_SAMPLES]
    ran = added("ran")
    return LayerActivity(
        parts[0].signal, added("spikes"), added("passed_on"), raster, added("steps"), added("passed_on_steps"),
        added("brought"), added("brought_steps"), None if ran is None else Ran(*map(int, ran)),
    )  # fmt: skip


def as_arrays(activity: Activity) -> dict[str, Any]:
    """Flat names and arrays, as stored in a file: "samples", "hidden/spikes"."""
    found: dict[str, Any] = {
        "samples": activity.samples,
        "steps": activity.steps,
        "skipped_steps": activity.skipped_steps,
    }
    if activity.running is not None:
        found["running"] = activity.running
    for name, seen in activity.layers.items():
        parts = {part: getattr(seen, part) for part in LayerActivity.__dataclass_fields__}
        parts["ran"] = None if seen.ran is None else np.array(seen.ran)
        found |= {f"{name}/{part}": value for part, value in parts.items() if value is not None}
    return found


def from_arrays(arrays: Mapping[str, Any]) -> Activity:
    """What `as_arrays` gave."""
    parts: dict[str, dict[str, Any]] = {}
    for key, value in arrays.items():
        layer, slash, part = key.partition("/")
        if slash:
            parts.setdefault(layer, {})[part] = str(value) if part == "signal" else value
    for found in parts.values():
        if "ran" in found:
            found["ran"] = Ran(*map(int, found["ran"]))
    layers = {name: LayerActivity(**found) for name, found in parts.items()}
    numbers: dict[str, Any] = {key: int(arrays[key]) for key in ("samples", "steps", "skipped_steps")}
    return Activity(**numbers, layers=layers, running=arrays.get("running"))
