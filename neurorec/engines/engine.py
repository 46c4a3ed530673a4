"""The contract of an engine: how time is stepped. Engines differ in speed, never in result.

A network is run component by component: a single layer over all time steps at once (`unroll`, the only method an engine must
define), layers that feed back into each other step by step, readouts in closed form.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines.activity import Activity
from neurorec.engines.densities import answered
from neurorec.engines.observing import observe
from neurorec.models.layer import Layer
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.models.running import NetworkState, run_over_time
from neurorec.models.starts import given_start
from neurorec.models.wires import Structure
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective

engines: Registry[type["Engine"]] = Registry("engine")


@dataclass(frozen=True)
class EngineRun:
    """Outputs [T, B, O], outputs of every layer [T, B, H] by name, final state, and observed activity."""

    outputs: Tensor
    sent: Mapping[str, Tensor]
    state: Any
    activity: Activity


class Engine(ABC):
    """Runs networks. An engine must define `why_not` and `unroll`, which runs one layer over all time steps."""

    title: ClassVar[str]
    priority: ClassVar[int] = 0  #: "auto" takes the engine with the highest priority that can run a layer

    @abstractmethod
    def why_not(self, layer: Layer) -> str | None:
        """Why this engine cannot run `layer`, or None if it can."""

    @abstractmethod
    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x [T, B, I] to outputs [T, B, H] and the final state, differentiable in the parameters, x and the state.

        With `lengths` [B] (integers, 0 to T), each sample stops at its own length: its later outputs are 0, its
        final state is that of its own last step, and later steps contribute no gradient.
        """

    def check(self, model: Layer | Network) -> None:
        """Raise `CannotRun` if this engine cannot run the layer, or any hidden layer of the network."""
        for layer in model.hidden.values() if isinstance(model, Network) else [model]:
            reason = self.why_not(layer)
            if reason is not None:
                raise CannotRun(f"engine {self.title} cannot run {layer.title}: {reason}; use --engine auto")

    def weighted_sums(self, layer: Layer, x: Tensor, weights: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Outputs of the layer times weights [K, T] or [K, T, B], summed over the steps: [K, B, H]; differentiable in the
        layer's parameters. An engine may compute this without storing the outputs of all steps."""
        hidden, _ = self.unroll(layer, x, lengths=lengths)
        return _sum(weights, hidden)

    def run(
        self, network: Network, x: Tensor, lengths: Tensor | None = None, state: NetworkState | None = None,
        forced: Mapping[str, Tensor] | None = None, structure: Structure | None = None,
    ) -> EngineRun:  # fmt: skip
        """The whole network over x [T, B, I]. `state`, `forced`, `structure`: see `Network.run`.

        Raises
        ------
        CannotRun, InputError
            For a layer that this engine cannot run, or invalid lengths.
        """
        self.check(network)
        sent, after = network.run(x, state, lengths, self._unroll_any, forced, structure)
        return EngineRun(sent[network.output], sent, after, observe(network, x, sent, lengths, structure))

    def run_batch(self, network: Network, batch: Batch, forced: Mapping[str, Tensor] | None = None) -> EngineRun:
        """As `run`, with everything that the samples give."""
        start = given_start(network, batch.start)
        return self.run(network, batch.x, batch.lengths, start, forced, structure_of(network, batch))

    def sent(
        self, network: Network, batch: Batch, forced: Mapping[str, Tensor] | None = None
    ) -> Mapping[str, Tensor]:  # fmt: skip
        """Outputs of every layer, [T, B, H] by name, as `run_batch`, without observing the activity."""
        return self.sent_and_state(network, batch, forced)[0]

    def sent_and_state(
        self, network: Network, batch: Batch, forced: Mapping[str, Tensor] | None = None, state: NetworkState | None = None
    ) -> tuple[Mapping[str, Tensor], NetworkState]:  # fmt: skip
        """As `sent`, with the final state; from `state`, or from where the samples start."""
        start = given_start(network, batch.start) if state is None else state
        structure = structure_of(network, batch)
        return network.run(batch.x, start, batch.lengths, self._unroll_any, forced, structure)

    def answers(self, network: Network, batch: Batch, objective: Objective) -> Tensor:
        """The mean output [B, O] over the masked steps or, with an answer per frame, the mean output of each frame
        [F, B, O]. For density objectives, see `densities.py`."""
        if sums_suffice(network, batch, objective):
            readout, weights = network[network.output], network[network.output].step_weights(batch.mask)
            sums = self.hidden_sums(network, batch.x, weights[None], batch.lengths)
            return readout.answer(heard_sums(network, sums)[0], weights)
        return answered(network, *self.sent_and_state(network, batch), batch, objective)

    def observe(self, network: Network, batch: Batch, objective: Objective) -> tuple[Tensor, Activity]:
        """As `answers`, together with the observed activity."""
        seen = self.run_batch(network, batch)
        return answered(network, seen.sent, seen.state, batch, objective), seen.activity

    def hidden_sums(
        self, network: Network, x: Tensor, weights: Tensor, lengths: Tensor | None = None
    ) -> dict[str, Tensor]:
        """For every hidden layer (and the input, if the readout hears it), its output times weights [K, T] or
        [K, T, B], summed over the steps: [K, B, H]. Outputs of layers that only the readout hears are not stored."""
        output = network.output
        alone = {
            id(layer): name for name, layer in network.hidden.items()
            if all(wire.target == output for wire in network.heard_by(name))
        }  # fmt: skip
        sums: dict[str, Tensor] = {}

        def unroll(layer: Layer, heard: Tensor, state: Any, ends: Tensor | None) -> tuple[Tensor, Any]:
            if id(layer) not in alone:
                return self._unroll_any(layer, heard, state, ends)
            sums[alone[id(layer)]] = self.weighted_sums(layer, heard, weights, ends)
            return heard, state  # not used by any other layer

        others = [name for name in network.layers if name != output]
        sent, _ = run_over_time(network, x, None, lengths, unroll, {}, only=others)
        for name, values in sent.items():
            if name not in sums and (name in network.hidden or any(w.target == output for w in network.heard_by(name))):
                sums[name] = _sum(weights, values)
        return sums

    def _unroll_any(self, layer: Layer, x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
        return layer(x, state, lengths) if isinstance(layer, Readout) else self.unroll(layer, x, state, lengths)


class FastestPerLayer(Engine):
    """Every layer on the fastest engine that can run it. `title` names the engines that a network uses."""

    title = "auto"

    def __init__(self, network: Network | None = None) -> None:
        self._chosen: WeakKeyDictionary[Layer, Engine] = WeakKeyDictionary()
        used = {self.of(layer).title for layer in network.hidden.values()} if network else set()
        self.title = " + ".join(sorted(used)) or "torch"  # type: ignore[misc]

    def of(self, layer: Layer) -> Engine:
        if layer not in self._chosen:
            able = [engine for name in engines if (engine := engines[name]()).why_not(layer) is None]
            if not able:
                raise CannotRun(f"no engine runs {layer.title}")
            self._chosen[layer] = max(able, key=lambda engine: engine.priority)
        return self._chosen[layer]

    def why_not(self, layer: Layer) -> str | None:
        return None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.of(layer).unroll(layer, x, state, lengths)

    def weighted_sums(self, layer: Layer, x: Tensor, weights: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.of(layer).weighted_sums(layer, x, weights, lengths)


def choose_engine(name: str, model: Layer | Network) -> Engine:
    """The engine called `name`, or for "auto" the fastest one for the layer, or for each layer of the network.

    Raises
    ------
    InputError, CannotRun
        For an unknown engine, or one that cannot run the model. There is no silent fallback.
    """
    if name != "auto":
        engine = engines[name]()
        engine.check(model)
        return engine
    fastest = FastestPerLayer()
    if isinstance(model, Layer):
        return fastest.of(model)
    used = {engine.title: engine for engine in map(fastest.of, model.hidden.values())}
    return next(iter(used.values())) if len(used) == 1 else FastestPerLayer(model)


def can_sum(network: Network) -> bool:
    """Whether pooled answers follow from sums over time: the network runs step by step, its output is a readout without
    feedback, and all wires into it are plain (no delay, no function)."""
    plain = all(wire.plain for wire in network.wires_into(network.output))
    readout = isinstance(network[network.output], Readout)
    return plain and readout and not network.heard_by(network.output) and network.along == "time"


def sums_suffice(network: Network, batch: Batch, objective: Objective) -> bool:
    """Whether the answers to these samples follow from sums over time."""
    return objective.pooled and not objective.of_density and can_sum(network) and batch.start is None


def structure_of(network: Network, batch: Batch) -> Structure | None:
    """What the network follows in these samples; None if it runs step by step.

    Raises
    ------
    CannotRun
        For a network that first reads, if the samples do not say where reading ends.
    """
    if network.along == "tree":
        return batch.trees
    if network.along == "time":
        return None
    if batch.reads is None:
        raise CannotRun(f"{network.title} first reads and then writes, but the samples do not say where reading ends")
    return batch.reads


def heard_sums(network: Network, sums: Mapping[str, Tensor]) -> Tensor:
    """The readout's inputs among `hidden_sums`, concatenated: [K, B, H]."""
    lines = [sums[wire.source] for wire in network.wires_into(network.output)]
    return lines[0] if len(lines) == 1 else torch.cat(lines, -1)


def _sum(weights: Tensor, values: Tensor) -> Tensor:
    return torch.einsum("kt,tbh->kbh" if weights.dim() == 2 else "ktb,tbh->kbh", weights, values)
