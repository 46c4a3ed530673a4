"""What a network carries from step to step, as one vector per sample, for analyses of its dynamics."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.models.running import NetworkState

Step = Callable[[Tensor, Tensor], Tensor]  #: state [B, N] and input [B, I] to the next state


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


def carried(network: Network, state: NetworkState) -> NetworkState:
    """Without the state of readouts that keep nothing of it."""
    idle = [name for name, layer in network.named_layers() if isinstance(layer, Readout) and layer.rate == 1.0]
    return NetworkState({name: each for name, each in state.layers.items() if name not in idle}, state.delayed)


def flat_step(network: Network) -> tuple[Step, Callable[[int], Tensor]]:
    """One step of the network as a map of vectors, and its initial state for a number of samples."""
    shape = shaper(carried(network, network.initial_state(1)))

    def whole(flat: Tensor) -> NetworkState:
        kept, idle = shape(flat), network.initial_state(len(flat)).layers
        return NetworkState({**idle, **kept.layers}, kept.delayed)

    def step(flat: Tensor, x: Tensor) -> Tensor:
        return flatten(carried(network, network.step(whole(flat), x)[1]))

    return step, lambda batch: flatten(carried(network, network.initial_state(batch)))


def spikes_why_not(network: Network) -> str | None:
    """Why the derivative of a step does not describe the dynamics, or None if it does."""
    spiking = [layer.title for _, layer in network.named_layers() if layer.output_signal == "spikes"]
    if not spiking:
        return None
    return (
        f"{spiking[0]} spikes: resets make its step discontinuous, so derivatives miss the effect of a shifted spike; use "
        "perturbation_growth"
    )


def jacobians(step: Step, state: Tensor, x: Tensor) -> Tensor:
    """[B, N, N]: the derivative of the next state with respect to the state, for each sample."""
    B, N = state.shape
    state = state.detach().requires_grad_()
    with torch.enable_grad():
        after = step(state, x)
        ones = torch.eye(N, dtype=state.dtype)[:, None].expand(N, B, N)
        (found,) = torch.autograd.grad(after, state, ones, is_grads_batched=True)
    return found.transpose(0, 1)


def visited(step: Step, start: Tensor, x: Tensor) -> Tensor:
    """[T + 1, B, N]: the states on the way through x [T, B, I]."""
    states = [start]
    for x_t in x:
        states.append(step(states[-1], x_t))
    return torch.stack(states)
