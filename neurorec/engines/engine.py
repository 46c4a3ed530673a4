"""The contract of an engine: how time is stepped. Engines differ in speed, never in result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines.activity import Activity, observe
from neurorec.models.cell import Cell, check_lengths
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
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x [T, B, I] to outputs [T, B, H] and the final state, differentiable in the parameters, x and the state.

        Where samples have `lengths` [B] of their own (whole numbers, 0 to T), each stops there: its outputs behind are 0,
        its final state is that of its own last step, and no gradient comes from behind.
        """

    def check(self, cell: Cell) -> None:
        """Raise `CannotRun` if this engine cannot run `cell`."""
        reason = self.why_not(cell)
        if reason is not None:
            raise CannotRun(f"engine {self.title} cannot run {cell.title}: {reason}; use --engine auto")

    def weighted_sums(self, cell: Cell, x: Tensor, weights: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Outputs of the layer times weights [K, T] or [K, T, B], summed over the steps: [K, B, H]; differentiable in the
        layer's parameters. An engine that can do so keeps no output of any step."""
        hidden, _ = self.unroll(cell, x, lengths=lengths)
        return torch.einsum("kt,tbh->kbh" if weights.dim() == 2 else "ktb,tbh->kbh", weights, hidden)

    def answers(self, network: Network, x: Tensor, mask: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The readout's mean output [B, O] over the steps where mask [T] or [T, B] holds, with no output of any one step."""
        weights = network.readout.step_weights(mask)
        return network.readout.answer(self.weighted_sums(network.cell, x, weights[None], lengths)[0], weights)

    def run(self, network: Network, x: Tensor, lengths: Tensor | None = None) -> EngineRun:
        """Raises `CannotRun` for a cell that this engine cannot run, and `InputError` for impossible lengths."""
        self.check(network.cell)
        if lengths is not None:
            check_lengths(lengths, x)
        hidden, state = self.unroll(network.cell, x, lengths=lengths)
        return EngineRun(network.read(hidden, lengths), hidden, state, observe(network, x, hidden, lengths))


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
