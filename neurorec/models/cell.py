"""The contract of a cell: one recurrent layer, described once, one time step at a time.

Letters: T time, B batch, I input, H hidden (recurrent units), O output. Every engine runs a cell by its `step`, or by a
faster form tested against it. Adding a cell is one file in `cells/` and one `@cells.register`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from neurorec.basics.cards import Card
from neurorec.basics.errors import InputError
from neurorec.basics.registry import Registry

Signal = Literal["spikes", "values"]
cells: Registry[type["Cell"]] = Registry("cell")
State = NamedTuple  # every cell names its own


@dataclass(frozen=True)
class StepOperations:
    """What one time step of one sample asks of hardware, declared by the cell, never guessed from tensor values.

    A line carries spikes or values. A spike on line k costs `fan_out[k]` accumulates; a value costs as many
    multiply-accumulates, every step. Together with observed activity this gives exact integer counts.
    """

    input_fan_out: np.ndarray  #: [I] synapses that input line k reaches
    recurrent_fan_out: np.ndarray  #: [H] synapses that unit k reaches inside the layer
    recurrent_signal: Signal  #: what the recurrent lines carry
    neuron_updates: int  #: state updates a step (H for spiking cells)
    elementwise: int  #: additions and multiplications outside the synapses, a step
    nonlinearities: int  #: tanh, sigmoid evaluations a step
    state_values: int  #: numbers of state read and written every step
    tape_values: int  #: numbers that backpropagation through time must keep a step


class CellCard(Card):
    """What every cell's card states."""

    name: str
    size: PositiveInt


class Cell(nn.Module, ABC):
    """One recurrent layer of H units.

    Attributes
    ----------
    output_signal : "spikes" if the units send 0/1, "values" if they send real numbers.
    equations, sources : shown by `neurorec show`; the equation stands here and nowhere else.
    """

    Card: ClassVar[type[CellCard]]
    title: ClassVar[str]
    output_signal: ClassVar[Signal]
    equations: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    needs: ClassVar[frozenset[str]] = frozenset()  #: capabilities of a chip, beyond sending what `output_signal` says

    def __init__(self, card: CellCard, input_size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, card.size
        self.recurrent_frozen = False

    @classmethod
    def sources_of(cls, card: CellCard) -> tuple[str, ...]:
        """Those of `sources` that a cell with this card rests on."""
        return cls.sources

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the starting weights from `generator`."""

    @abstractmethod
    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        """The state before the first step: a NamedTuple of [B, H] tensors on the device of the weights."""

    @abstractmethod
    def step(self, state, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One step: state and x [B, I] to output [B, H] and the next state."""

    @abstractmethod
    def operations(self) -> StepOperations: ...

    @abstractmethod
    def recurrent_weights(self) -> list[nn.Parameter]:
        """The weights that carry the layer's own past output back in."""

    def freeze_recurrence(self) -> None:
        """The control: recurrent weights fixed at zero, so that only the units' own state remembers."""
        for weight in self.recurrent_weights():
            weight.requires_grad_(False)
            weight.data.zero_()
        self.recurrent_frozen = True

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x [T, B, I] to outputs [T, B, H] and the final state, by the plain loop over `step`.

        Where samples have `lengths` [B] of their own, each stops there: its outputs behind are 0, and its final state is
        that of its own last step.
        """
        state = self.initial_state(x.shape[1]) if state is None else state
        return unroll_steps(self.step, state, x, self.size, lengths)

    def _zeros(self, batch: int) -> Tensor:
        reference = next(self.parameters())
        return reference.new_zeros(batch, self.size, requires_grad=False)

    def _dense(self, lines: int, fan_out: int) -> np.ndarray:
        return np.full(lines, fan_out, dtype=np.int64)


def unroll_steps(
    step: Callable[[Any, Tensor], tuple[Tensor, Any]], state: Any, x: Tensor, size: int, lengths: Tensor | None
) -> tuple[Tensor, Any]:
    """The loop over time. A sample whose length is reached keeps its state and puts out 0."""
    outputs = []
    for t, x_t in enumerate(x):
        output, after = step(state, x_t)
        if lengths is not None:
            runs = (t < lengths)[:, None]
            output = torch.where(runs, output, 0)
            after = type(after)(*(torch.where(runs, new, old) for new, old in zip(after, state, strict=True)))
        outputs.append(output)
        state = after
    return torch.stack(outputs) if outputs else x.new_zeros(0, x.shape[1], size), state


def check_lengths(lengths: Tensor, x: Tensor) -> None:
    """Raises `InputError` unless lengths are B whole numbers from 0 to T, for x [T, B, I]."""
    T, B, _ = x.shape
    if lengths.shape != (B,) or lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise InputError(
            f"lengths must be {B} whole numbers, one a sample of x {list(x.shape)} (got {lengths.dtype} {list(lengths.shape)})"
        )
    if B and not 0 <= int(lengths.min()) <= int(lengths.max()) <= T:
        raise InputError(
            f"lengths must lie in 0 to T = {T}, the steps of x (got {int(lengths.min())} to {int(lengths.max())})"
        )


def draw_normal(weight: Tensor, gain: float, generator: torch.Generator) -> None:
    """Fill weight [out, in] with a normal of standard deviation gain / sqrt(in)."""
    with torch.no_grad():
        values = torch.randn(weight.shape, generator=generator) * (gain / max(1, weight.shape[1]) ** 0.5)
        weight.copy_(values)
