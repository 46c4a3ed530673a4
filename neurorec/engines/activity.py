"""Observed activity of a model: exact integer counts over all samples, and a few rasters for plots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.counts import Ran
from neurorec.basics.quantities import plural
from neurorec.basics.reading import Reading, later
from neurorec.basics.tree import Tree
from neurorec.models.layer import Signal
from neurorec.models.network import Network
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
    """[H] spikes that a wire along a tree delivers (all but those of roots), or along reading (the last ones, repeatedly)."""
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
        return replace(
            self, spikes=spikes, passed_on=passed_on, steps=None, passed_on_steps=None, brought_steps=None
        )


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


def observe(
    network: Network, x: Tensor, sent: Mapping[str, Tensor], lengths: Tensor | None = None, tree: Tree | None = None,
    reading: Reading | None = None,
) -> Activity:  # fmt: skip
    """Activity of `network` with input x [T, B, I] and layer outputs `sent` [T, B, H], for samples of given lengths; `tree` and
    `reading` as for `Network.run`."""
    T, B, _ = x.shape
    ends = np.full(B, T) if lengths is None else lengths.cpu().numpy()
    t = np.arange(T)[:, None]
    layers = {INPUT: _seen(network.input_signal, x, ends)}
    layers |= {name: _seen(layer.output_signal, sent[name], ends) for name, layer in network.named_layers()}
    if network.tree_wires:
        layers = _on_trees(layers, sent, tree or Tree.chain(T, B), lengths)
    if network.reading_wires:
        layers |= _in_turn(network, sent, reading or Reading(torch.full((B,), T // 2)), torch.as_tensor(ends))
    return Activity(B, T, layers, (t < ends).sum(1, dtype=np.int64), int(B * T - ends.sum()))


def _seen(signal: Signal, sent: Tensor, ends: np.ndarray) -> LayerActivity:
    T, _, size = sent.shape
    if signal == "values":
        nothing, none = np.zeros(size, np.int64), np.zeros((T, size), np.int64)
        return LayerActivity(
            signal, nothing, nothing, np.zeros((T, min(RASTER_SAMPLES, len(ends)), size), bool), none, none
        )
    t = np.arange(T)[:, None, None]
    spikes = (sent.detach().cpu().numpy() != 0) & (t < ends[:, None])
    steps = spikes.sum(1, dtype=np.int64)
    passed_on = (spikes & (t < ends[:, None] - 1)).sum(1, dtype=np.int64)
    return LayerActivity(signal, steps.sum(0), passed_on.sum(0), spikes[:, :RASTER_SAMPLES], steps, passed_on)


def _in_turn(
    network: Network, sent: Mapping[str, Tensor], reading: Reading, ends: Tensor
) -> dict[str, LayerActivity]:
    """What is seen of layers, where some only read and others only write."""
    read = reading.ends.cpu()
    found: dict[str, LayerActivity] = {}
    for name, layer in network.named_layers():
        writes, signal = name in network.writers, layer.output_signal
        steps = ends - read if writes else read
        seen = _seen(signal, sent[name], (ends if writes else read).numpy())
        seen = replace(seen, ran=Ran(int(steps.sum()), int((steps > 0).sum())))
        if signal == "spikes" and not writes:
            most = int((ends - read).max())
            context = Reading(read, reading.steps).context(sent[name].detach().cpu() != 0, most)
            context = context & (torch.arange(most)[:, None] < ends - read)[..., None]
            arrived = later(context, read, len(sent[name])).sum(1).numpy()
            seen = replace(seen, brought=arrived.sum(0), brought_steps=arrived)
        found[name] = seen
    return found


def _on_trees(
    layers: Mapping[str, LayerActivity], sent: Mapping[str, Tensor], tree: Tree, lengths: Tensor | None
) -> dict[str, LayerActivity]:
    """What was seen of layers, where every node starts anew and sends to its parent."""
    k, present = tree.steps, tree.present(lengths)
    child, parent = (numbers.cpu().numpy() for numbers in tree.links(lengths))
    with_children = len(np.unique(parent))
    ran = Ran(k * int(present.sum()), int(present.sum()), k * with_children, k * (len(child) - with_children))
    found = dict(layers)
    for name, seen in layers.items():
        if name == INPUT or seen.signal == "values":
            found[name] = seen if name == INPUT else replace(seen, ran=ran)
            continue
        spikes = (sent[name].detach().cpu().numpy() != 0).reshape(*tree.parents.shape[:1], k, -1, len(seen.spikes))
        nodes = spikes.transpose(0, 2, 1, 3).reshape(-1, k, len(seen.spikes))  # [F B, k, H]
        inside = (spikes & present.cpu().numpy()[:, None, :, None])[:, :-1].sum(2, dtype=np.int64)
        passed_on = np.pad(inside, ((0, 0), (0, 1), (0, 0))).reshape(-1, len(seen.spikes))
        arrived = np.zeros((len(spikes), k, len(seen.spikes)), np.int64)
        np.add.at(arrived, parent // tree.parents.shape[1], nodes[child])
        arrived = arrived.reshape(-1, len(seen.spikes))
        found[name] = replace(
            seen, passed_on=passed_on.sum(0), passed_on_steps=passed_on, brought=arrived.sum(0),
            brought_steps=arrived, ran=ran,
        )  # fmt: skip
    return found


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
    layers = {
        name: LayerActivity(**found | ({"ran": Ran(*map(int, found["ran"]))} if "ran" in found else {}))
        for name, found in parts.items()
    }
    numbers: dict[str, Any] = {key: int(arrays[key]) for key in ("samples", "steps", "skipped_steps")}
    return Activity(**numbers, layers=layers, running=arrays.get("running"))
