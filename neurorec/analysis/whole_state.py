"""The state of a network as one vector per sample, for analyses of its dynamics."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from neurorec.models.network import Network, NetworkState


def tensors_of(state: NetworkState) -> Iterator[Tensor]:
    """Every tensor [B, H] of a state, in a fixed order."""
    for layer in state.layers.values():
        yield from layer
    yield from state.delayed.values()


def flatten(state: NetworkState) -> Tensor:
    """[B, N]: all numbers of the state of each sample."""
    return torch.cat(list(tensors_of(state)), 1)


def shaper(like: NetworkState) -> Callable[[Tensor], NetworkState]:
    """The inverse of `flatten`, for states of the same structure."""
    sizes = [tensor.shape[1] for tensor in tensors_of(like)]

    def shape(flat: Tensor) -> NetworkState:
        parts = iter(flat.split(sizes, 1))
        layers: dict[str, Any] = {
            name: type(layer)(*(next(parts) for _ in layer)) for name, layer in like.layers.items()
        }
        return NetworkState(layers, {wire: next(parts) for wire in like.delayed})

    return shape


def flat_step(network: Network, batch: int = 1) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor]:
    """One step of the network as a map of vectors, (state [B, N], x [B, I]) to the next state [B, N], and the initial state."""
    start = network.initial_state(batch)
    shape = shaper(start)

    def step(flat: Tensor, x: Tensor) -> Tensor:
        return flatten(network.step(shape(flat), x)[1])

    return step, flatten(start)
