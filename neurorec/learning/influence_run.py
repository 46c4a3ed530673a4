"""A forward pass with the derivatives of all states with respect to all trained numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from neurorec.basics.memory_limit import refuse_memory
from neurorec.models.network import Network
from neurorec.models.running import NetworkState, sent_in_step
from neurorec.models.starts import given_start
from neurorec.tasks.batch import Batch

COPIES = 4  #: of all derivatives of a batch that are held while one step is computed


class InfluenceRun:
    """Steps a network forward with the derivatives of its states with respect to all trained numbers, [B, S, W].

    Parameters
    ----------
    rated : layers whose outputs are followed, besides that of the network

    Raises
    ------
    InputError
        If the derivatives do not fit into memory.
    """

    def __init__(self, network: Network, batch: Batch, rated: list[str]) -> None:
        self.network, self.outputs = network, network[network.output].size
        self.weights = {f"network.{name}": p for name, p in network.named_parameters() if p.requires_grad}
        self._step = _FlatStep(network, rated)
        given = batch.x.new_zeros(batch.size, 0) if batch.start is None else batch.start
        S, W = _flat(network.initial_state(1)).shape[1], sum(p.numel() for p in self.weights.values())
        words = batch.size * (S + self._step.followed) * W * COPIES
        refuse_memory(words * batch.x.element_size(),
                      f"the derivatives of {S} states with respect to {W:,} weights for {batch.size} samples",
                      "use a smaller layer or batch_size, or the rule bptt")  # fmt: skip
        start = vmap(jacrev(self._begin, has_aux=True), (None, 0))
        by_weight, self.states = start(self._values(), given)
        self.derivatives = _by_weight(by_weight)
        self._slopes: Callable[..., Any] = vmap(jacrev(self._run, (0, 1), has_aux=True), (None, 0, 0))

    def _values(self) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in self.weights.items()}

    def _begin(self, weights: Mapping[str, Tensor], given: Tensor) -> tuple[Tensor, Tensor]:
        start = functional_call(self._step, dict(weights), (None, given))
        return start, start

    def _run(self, weights: Mapping[str, Tensor], state: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        after = functional_call(self._step, dict(weights), (state, x))
        return after, after

    def step(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, I] to the followed outputs [B, K] and their derivatives [B, K, W]."""
        (by_weight, by_state), after = self._slopes(self._values(), self.states, x.to(self.states))
        total = torch.baddbmm(_by_weight(by_weight), by_state, self.derivatives)
        K = self._step.followed
        self.states, self.derivatives = after[:, K:], total[:, K:]
        return after[:, :K], total[:, :K]

    def store(self, gradient: Tensor) -> None:
        """A gradient [W] as `grad` of the trained numbers."""
        pieces = gradient.split([weight.numel() for weight in self.weights.values()])
        for weight, piece in zip(self.weights.values(), pieces, strict=True):
            weight.grad = piece.view_as(weight)


class _FlatStep(nn.Module):
    """One step of one sample: states [S] and x [I] to the followed outputs and the next states in one [K + S]. Without
    states: where a sample starts [S] that gives x as initial states, if anything."""

    def __init__(self, network: Network, rated: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, [network.output, *rated]
        self.like = network.initial_state(1)
        self.followed = sum(network[name].size for name in self.names)

    def forward(self, states: Tensor | None, x: Tensor) -> Tensor:
        if states is None:
            start = given_start(self.network, x[None] if len(x) else None)
            return _flat(start or self.network.initial_state(1))[0]
        sent, after = sent_in_step(self.network, self._state(states[None]), x[None])
        return torch.cat([*(sent[name] for name in self.names), _flat(after)], 1)[0]

    def _state(self, states: Tensor) -> NetworkState:
        parts = iter(states.split([part.shape[1] for part in _parts(self.like)], 1))
        layers = {name: type(own)(*(next(parts) for _ in own)) for name, own in self.like.layers.items()}
        return NetworkState(layers, {wire: next(parts) for wire in self.like.delayed})


def _by_weight(parts: Mapping[str, Tensor]) -> Tensor:
    """Derivatives [B, S, ...] with respect to each weight as one [B, S, W]."""
    return torch.cat([part.flatten(2) for part in parts.values()], 2)


def _parts(state: NetworkState) -> list[Tensor]:
    return [*(part for own in state.layers.values() for part in own), *state.delayed.values()]


def _flat(state: NetworkState) -> Tensor:
    """All states of all layers and delayed wires, [B, S]."""
    return torch.cat(_parts(state), 1)
