"""Weights through which units hear the errors of the outputs."""

from typing import Literal

import torch
from torch import Tensor

from neurorec.models.layer import draw_normal
from neurorec.models.network import Network

Feedback = Literal["symmetric", "random", "adaptive"]


def draw_feedback(network: Network, generator: torch.Generator) -> dict[str, Tensor]:
    """[O, H] for every hidden layer, with the spread that the readout's initial weights have."""
    readout, drawn = network[network.output], {}
    for name, layer in network.hidden.items():
        weights = torch.zeros(readout.size, layer.size, dtype=readout.weight.dtype)
        draw_normal(weights, (layer.size / readout.input_size) ** 0.5, generator)
        drawn[name] = weights.to(readout.weight.device)
    return drawn


def readout_lines(network: Network, name: str) -> slice:
    """The readout's lines from a hidden layer."""
    (wire,) = (wire for wire in network.heard_by(name) if wire.target == network.output)
    return network.lines_of(wire)


def readout_weights(network: Network, name: str) -> Tensor:
    """The readout's weights [O, H] for what a hidden layer sends."""
    return network[network.output].weight[:, readout_lines(network, name)]
