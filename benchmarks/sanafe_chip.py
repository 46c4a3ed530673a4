"""A NIR graph of integrate-and-fire layers on SANA-FE's Loihi, unit for unit on the cores that neurorec chose.

SANA-FE (GPL-3.0, pip `sanafe`) is an oracle of tests and benchmarks only: nothing in the package imports it. Its spikes
arrive one step after they were sent, which is `layers_delayed`; its input lines are a step ahead: x gets a silent first step.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from scipy.sparse import csr_array, vstack

from neurorec.engines.nir_graph.reading import NirGraph
from neurorec.engines.nir_graph.stateless import stateless_function
from neurorec.engines.on_nir import NirOptions, flat_graph
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.workload.graph.signals import kind_of, shape_of

OPTIONS = NirOptions(dt_s=1e-3, time_unit="steps", layers_delayed=True)
DVS_SHAPES = [(1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11,)]
DVS_CORES = (1, 4, 16, 16, 4, 1)  #: cores of each layer, as in SANA-FE's tutorial
DVS_FIRED = 365_277  #: spikes in 1,000 steps, from the same tutorial


def sanafe_chip(
    sanafe: Any, graph: NirGraph, core_of: np.ndarray, spikes_in: np.ndarray | None = None, bias: np.ndarray | None = None,
    every_step: bool = True,
) -> Any:  # fmt: skip
    """A loaded `SpikingChip`. Input: `spikes_in` [T, I], replayed by lines on the first core, or a `bias` of the first layer.

    `every_step`: neurons are updated in every step, as Loihi's are, not only when something arrives.
    """
    arch = sanafe.load_loihi()
    net, cores = sanafe.Network(), _cores(arch)
    groups = {}
    for name in graph.of_kind("IF"):
        node = graph.nodes[name]
        attributes = {"threshold": float(np.ravel(node.v_threshold)[0]), "leak_decay": 1.0, "reset_mode": "hard",
                      "force_update": every_step}  # fmt: skip
        size = int(np.prod(shape_of(node, "output")))
        groups[name] = net.create_neuron_group(name, size, model_attributes=attributes)
    if spikes_in is not None:
        groups[graph.input] = net.create_neuron_group("lines", spikes_in.shape[1])
        for n, neuron in enumerate(groups[graph.input].neurons):
            neuron.set_attributes(
                soma_hw_name=f"loihi_inputs[{n}]", model_attributes={"spikes": spikes_in[:, n].astype(bool).tolist()}
            )
            neuron.map_to_core(cores[0])
    for name in graph.of_kind("IF"):
        for source, weights in weights_onto(graph, name):
            if source in groups:
                rows, columns = weights.nonzero()
                pairs = list(zip(columns.tolist(), rows.tolist(), strict=True))
                groups[source].connect_neurons_sparse(groups[name], {"weight": weights[rows, columns].tolist()}, pairs)
    neurons = [neuron for name in graph.of_kind("IF") for neuron in groups[name].neurons]
    for neuron, core in zip(neurons, core_of.tolist(), strict=True):
        neuron.map_to_core(cores[core])
    for neuron, current in zip(neurons, np.ravel(bias) if bias is not None else (), strict=False):
        neuron.set_attributes(model_attributes={"bias": float(current)})
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    return chip


def weights_onto(graph: NirGraph, name: str) -> list[tuple[str, csr_array]]:
    """Of each layer that the neurons `name` hear: its name, and the weight of every synapse [units, lines]."""
    found = []
    for here, _ in graph.arrivals[name]:
        weights = None
        while kind_of(graph, here) not in ("IF", "Input"):
            matrix = _weights(graph.nodes[here])
            weights = matrix if weights is None else csr_array(weights @ matrix)
            ((here, _),) = graph.arrivals[here]
        if weights is not None:
            found.append((here, weights))
    return found


def _weights(node: Any) -> csr_array:
    """The matrix of a linear node: what a one at each input element adds to the outputs."""
    run, shape = stateless_function(node, torch.float32), shape_of(node, "input")
    ones = torch.eye(int(np.prod(shape))).split(256)
    columns = [csr_array(run(part.reshape(-1, *shape)).flatten(1).double().numpy()) for part in ones]
    return csr_array(vstack(columns).T)


def _cores(arch: Any) -> list[Any]:
    """SANA-FE numbers tiles down the columns, neurorec along the rows: its cores in neurorec's order."""
    mesh = load_chip("loihi1_sanafe").network
    assert mesh is not None
    (columns, rows), cores, per = mesh.tiles, arch.cores(), mesh.cores_per_tile
    order = [(tile % columns) * rows + tile // columns for tile in range(columns * rows)]
    return [cores[tile * per + n] for tile in order for n in range(per)]


def dvs_network(sanafe: Any) -> tuple[NirGraph, np.ndarray]:
    """The DVS gesture net that SANA-FE ships, as a NIR graph, and its constant input currents [1, 32, 32]."""
    data = np.load(Path(sanafe.__file__).parent / "examples" / "dvs_challenge.npz")

    def fire(layer: int) -> Any:
        shape = DVS_SHAPES[layer]
        return nir.IF(r=np.ones(shape), v_threshold=np.full(shape, float(data["thresholds"][layer])))

    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(DVS_SHAPES[0])}), "frame": fire(0)}
    for layer in range(1, 5):
        weight = np.ascontiguousarray(data[f"conv{layer}"].transpose(3, 2, 0, 1))
        stride = 2 if layer == 1 else 1
        nodes[f"conv{layer}"] = nir.Conv2d(DVS_SHAPES[layer - 1][1:], weight, stride, 0, 1, 1, np.zeros(len(weight)))
        nodes[f"fire{layer}"] = fire(layer)
    nodes["flat"] = nir.Flatten({"input": np.array(DVS_SHAPES[4])}, 0, -1)
    nodes["dense"] = nir.Linear(np.ascontiguousarray(data["dense1"].T))
    nodes |= {"gestures": fire(5), "output": nir.Output({"output": np.array(DVS_SHAPES[5])})}
    return flat_graph(nir.NIRGraph(nodes, list(pairwise(nodes))), "dvs_challenge"), data["inputs"].reshape(1, 32, 32)


def dvs_core_of() -> np.ndarray:
    """[18,678] the core of each unit: every layer in equal shares on its own cores."""
    first, found = 0, []
    for shape, cores in zip(DVS_SHAPES, DVS_CORES, strict=True):
        size = int(np.prod(shape))
        found.append(first + np.arange(size) // -(-size // cores))
        first += cores
    return np.concatenate(found)
