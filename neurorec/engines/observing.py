"""What a network was seen to do in a run: the spikes of every layer, by unit and step, and where wires delivered them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.counts import Ran
from neurorec.basics.reading_ends import Reading, later
from neurorec.basics.tree import Tree
from neurorec.engines.activity import RASTER_SAMPLES, Activity, LayerActivity
from neurorec.models.layer import Signal
from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Structure


def observe(
    network: Network, x: Tensor, sent: Mapping[str, Tensor], lengths: Tensor | None = None,
    structure: Structure | None = None,
) -> Activity:  # fmt: skip
    """Activity of `network` with input x [T, B, I] and layer outputs `sent` [T, B, H], for samples of given lengths;
    `structure` as for `Network.run`."""
    T, B, _ = x.shape
    ends = np.full(B, T) if lengths is None else lengths.cpu().numpy()
    t = np.arange(T)[:, None]
    layers = {INPUT: _seen(network.input_signal, x, ends)}
    layers |= {name: _seen(layer.output_signal, sent[name], ends) for name, layer in network.named_layers()}
    if network.along == "tree":
        layers = _on_trees(layers, sent, structure if isinstance(structure, Tree) else Tree.chain(T, B), lengths)
    if network.along == "reading":
        reading = structure if isinstance(structure, Reading) else Reading(torch.full((B,), T // 2))
        layers = _in_turn(network, {INPUT: x, **sent}, reading, torch.as_tensor(ends))
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


def _in_turn(network: Network, sent: Mapping[str, Tensor], reading: Reading, ends: Tensor) -> dict[str, LayerActivity]:
    """What is seen of layers, where some only read and others only write."""
    read = reading.ends.cpu()
    found = {INPUT: _seen(network.input_signal, sent[INPUT], ends.numpy())}
    before = _seen(network.input_signal, sent[INPUT], read.numpy())
    if before.steps is not None and found[INPUT].steps is not None:
        written = found[INPUT].steps - before.steps
        found[INPUT] = replace(found[INPUT], brought=written.sum(0), brought_steps=written)
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
