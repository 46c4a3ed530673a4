"""A network run over time: each step follows the last one.

The graph is run component by component: a single layer over all steps at once, layers that feed back into each other step by
step. Networks along other structures are run over time in parts (`trees.py`, `encoder_decoder.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from neurorec.models.layer import Layer
from neurorec.models.wires import INPUT, Wire, components_of

if TYPE_CHECKING:
    from neurorec.models.network import Network

Unroll = Callable[[Layer, Tensor, Any, Tensor | None], tuple[Tensor, Any]]


class NetworkState(NamedTuple):
    """Everything a network carries from step to step."""

    layers: dict[str, Any]  #: each layer's own state
    delayed: dict[Wire, Tensor]  #: [B, H] what each delayed wire delivers in the next step


def nothing_delayed(network: Network, batch: int) -> dict[Wire, Tensor]:
    """What delayed wires deliver in the first step."""
    delayed = [wire for wire in network.wires if wire.delay and wire.along == "time"]
    reference = next(network.parameters()) if delayed else None
    return {wire: reference.new_zeros(batch, network.size_of(wire.source)) for wire in delayed}  # type: ignore[union-attr]


def one_step(network: Network, state: NetworkState, x: Tensor) -> tuple[Tensor, NetworkState]:
    """State and x [B, I] to y [B, O] and the next state."""
    sent, after = sent_in_step(network, state, x)
    return sent[network.output], after


def sent_in_step(network: Network, state: NetworkState, x: Tensor) -> tuple[dict[str, Tensor], NetworkState]:
    """State and x [B, I] to what every layer sends, [B, H] by name, and the next state."""
    sent, states = {INPUT: x}, dict(state.layers)
    for component in network.components:
        _step_layers(network, component, states, sent, state.delayed)
    after = {wire: _entering(network, wire, sent) for wire in state.delayed}
    return sent, NetworkState(states, after)


def run_over_time(
    network: Network, x: Tensor, state: NetworkState | None, lengths: Tensor | None, unroll: Unroll | None,
    forced: Mapping[str, Tensor], brought: Mapping[Wire, Tensor] | None = None, only: Collection[str] | None = None,
) -> tuple[dict[str, Tensor], NetworkState]:  # fmt: skip
    """Outputs and final state, as `Network.run` says.

    Parameters
    ----------
    brought : by wire, what it delivers in each step, [T, B, H], instead of what its source sends
    only : run only these layers, which must hear no others but by `brought`
    """
    start = NetworkState({}, nothing_delayed(network, x.shape[1])) if state is None else state
    run = _Run(network, lengths, unroll or _plain, forced, brought or {}, start.delayed, {INPUT: x}, dict(start.layers))
    free = [wire for wire in network.wires if not (wire.delay and wire.source in forced) and wire not in run.brought]
    for component in components_of(list(network.layers), free) if forced or brought else network.components:
        if only is not None and component[0] not in only:
            continue
        inside = [wire for wire in free if {wire.source, wire.target} <= set(component)]
        if inside:
            run.loop(component, inside)
        else:
            run.layer(component[0])
    return run.sent, NetworkState(run.states, run.delayed_after())


@dataclass
class _Run:
    """A run over all steps: what it was given, and what its layers have sent so far."""

    network: Network
    lengths: Tensor | None
    unroll: Unroll
    forced: Mapping[str, Tensor]
    brought: Mapping[Wire, Tensor]
    delayed: Mapping[Wire, Tensor]
    sent: dict[str, Tensor]  #: [T, B, H]
    states: dict[str, Any]

    def layer(self, name: str) -> None:
        lines = [self.line(wire) for wire in self.network.wires_into(name)]
        heard = lines[0] if len(lines) == 1 else torch.cat(lines, -1)
        self.sent[name], self.states[name] = self.unroll(self.network[name], heard, self.states.get(name), self.lengths)

    def line(self, wire: Wire) -> Tensor:
        """What a wire delivers in all steps, [T, B, H]."""
        if wire in self.brought:
            return self.brought[wire]
        values = _entering(self.network, wire, self.sent, self.forced)
        return torch.cat([self.delayed[wire][None], values[:-1]])[: len(values)] if wire.delay else values

    def loop(self, component: tuple[str, ...], inside: list[Wire]) -> None:
        """Layers that feed back into each other, step by step; external inputs are known for all steps."""
        network, (T, B, _) = self.network, self.sent[INPUT].shape
        self.states |= {name: network[name].start(B) for name in component if name not in self.states}
        outside = {
            wire: self.line(wire) for name in component for wire in network.wires_into(name) if wire not in inside
        }
        outputs: dict[str, list[Tensor]] = {name: [] for name in component}
        back = {wire: self.delayed[wire] for wire in inside if wire.delay}
        for t in range(T):
            now: dict[str, Tensor] = {}
            old = dict(self.states)
            known = {**back, **{wire: line[t] for wire, line in outside.items()}}
            _step_layers(network, component, self.states, now, known)
            if self.lengths is not None:
                self._stop_ended(now, old, (t < self.lengths)[:, None])
            back = {wire: _entering(network, wire, now) for wire in back}
            for name in component:
                outputs[name].append(now[name])
        for name, steps in outputs.items():
            self.sent[name] = torch.stack(steps) if steps else self.sent[INPUT].new_zeros(0, B, network[name].size)

    def _stop_ended(self, now: dict[str, Tensor], old: Mapping[str, Any], runs: Tensor) -> None:
        """After the end of a sample, its outputs are 0, and its states stay as they were."""
        for name in now:
            now[name] = torch.where(runs, now[name], 0)
            self.states[name] = type(old[name])(
                *(torch.where(runs, a, b) for a, b in zip(self.states[name], old[name], strict=True))
            )

    def delayed_after(self) -> dict[Wire, Tensor]:
        """What delayed wires deliver in the step after the last."""
        return {
            wire: _last(_entering(self.network, wire, self.sent, self.forced), before, self.lengths)
            if wire.source in self.sent else before for wire, before in self.delayed.items()
        }  # fmt: skip


def _step_layers(
    network: Network, names: Iterable[str], states: dict[str, Any], sent: dict[str, Tensor], known: Mapping[Wire, Tensor]
) -> None:  # fmt: skip
    """One step of some layers, in order; updates `sent` and `states`. `known`: what delayed or external wires deliver."""
    for name in names:
        lines = [known[wire] if wire in known else _entering(network, wire, sent) for wire in network.wires_into(name)]
        sent[name], states[name] = network[name].step(states[name], torch.cat(lines, -1))


def _entering(
    network: Network, wire: Wire, sent: Mapping[str, Tensor], forced: Mapping[str, Tensor] | None = None
) -> Tensor:
    """What enters a wire, in one step or in all: the source's output, or what is forced on its delayed wires."""
    if wire.delay and forced is not None and wire.source in forced:
        carried = forced[wire.source]
    else:
        carried = wire.carried(sent[wire.source])
    return torch.zeros_like(carried) if wire in network.cut else carried


def _plain(layer: Layer, x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
    return layer(x, state, lengths)


def _last(values: Tensor, before: Tensor, lengths: Tensor | None) -> Tensor:
    """The value in each sample's last step, or `before` for samples without steps."""
    if not len(values):
        return before
    if lengths is None:
        return values[-1]
    last = values[(lengths - 1).clamp_min(0), torch.arange(len(lengths), device=values.device)]
    return torch.where((lengths > 0)[:, None], last, before)
