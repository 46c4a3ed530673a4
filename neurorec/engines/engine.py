"""The contract of an engine: how time is stepped. Engines differ in speed, never in result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines.activity import Activity, observe
from neurorec.models.cell import Cell
from neurorec.models.network import Network

engines: Registry[type["Engine"]] = Registry("engine")


@dataclass(frozen=True)
class EngineRun:
    """outputs [T, B, O], hidden [T, B, H], the final state of the cell, and what was observed."""

    outputs: Tensor
    hidden: Tensor
    state: tuple[Tensor, ...]
    activity: Activity


class Engine(ABC):
    """Runs networks. `unroll` is all that an engine must bring: one recurrent layer over all time steps."""

    title: ClassVar[str]

    @abstractmethod
    def why_not(self, cell: Cell) -> str | None:
        """Why this engine cannot run `cell`, or None if it can."""

    @abstractmethod
    def unroll(
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x [T, B, I] to outputs [T, B, H] and the final state, differentiable in the weights, x and the state."""

    def check(self, cell: Cell) -> None:
        """Raise `CannotRun` if this engine cannot run `cell`."""
        reason = self.why_not(cell)
        if reason is not None:
            raise CannotRun(f"engine {self.title} cannot run {cell.title}: {reason}; use --engine auto")

    def weighted_sums(self, cell: Cell, x: Tensor, weights: Tensor) -> Tensor:
        """Outputs of the layer times weights [K, T], summed over the steps: [K, B, H]; differentiable in the layer's
        weights. An engine that can do so keeps no output of any step."""
        return torch.einsum("kt,tbh->kbh", weights, self.unroll(cell, x)[0])

    def answers(self, network: Network, x: Tensor, mask: Tensor) -> Tensor:
        """The readout's mean output [B, O] over the steps where mask [T] holds, with no output of any one step."""
        weights = network.readout.step_weights(mask)
        return network.readout.answer(self.weighted_sums(network.cell, x, weights[None])[0], weights)

    def run(self, network: Network, x: Tensor) -> EngineRun:
        self.check(network.cell)
        hidden, state = self.unroll(network.cell, x)
        return EngineRun(network.readout(hidden), hidden, state, observe(network, x, hidden))


def choose_engine(name: str, cell: Cell) -> Engine:
    """The engine called `name`, or for "auto" the first in preference order that runs `cell`.

    Raises
    ------
    InputError, CannotRun
        For an unknown engine, or one that cannot run the cell. There is no silent fallback.
    """
    if name != "auto":
        engine = engines[name]()
        engine.check(cell)
        return engine
    for preferred in ("fused", "norse", "torch"):
        engine = engines[preferred]()
        if engine.why_not(cell) is None:
            return engine
    raise CannotRun(f"no engine runs {cell.title}")
