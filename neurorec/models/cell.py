"""The contract of a cell: one recurrent layer. A new cell is one file in `cells/` with `@cells.register`."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from neurorec.basics.cards import Card
from neurorec.basics.numbers import Units
from neurorec.basics.registry import Registry
from neurorec.models.layer import Layer, Signal, StepOperations, draw_normal

__all__ = ["Cell", "CellCard", "Eligibility", "Signal", "StepOperations", "TraceOperations", "cells", "draw_normal"]

cells: Registry[type["Cell"]] = Registry("cell")


class CellCard(Card):
    """The keys that every cell's card has."""

    name: str
    size: Units


class Eligibility(NamedTuple):
    """Eligibility of every synapse in this step, e = dz/dw = psi du, [B, H, L], as two factors."""

    psi: Tensor  #: [B, H, 1]
    du: Tensor  #: [B, H, L], or [B, 1, L]


@dataclass(frozen=True)
class TraceOperations:
    """Additions and multiplications that a cell's `traced_step` needs per step to update its traces."""

    per_line: int
    per_synapse: int


class Cell(Layer):
    """One recurrent layer of H units, all built from one card.

    A cell may also define `start_traces`, `traced_step` and `trace_operations` (see `cells/lif.py`): its step together with
    the derivative of each neuron's own state with respect to the weights. Rules that use eligibility traces need them.

    A cell whose output is a function of weighted sums, `activation(sums(state, x))`, and whose state is no more than that
    output, may define these two (see `cells/elman.py`), with weights `w_in`, `recurrent_weights` and `bias`.
    """

    Card: ClassVar[type[CellCard]]
    differentiable: ClassVar[bool] = (
        True  #: whether the output has a derivative (or a surrogate) with respect to the weights
    )
    card: CellCard
    w_in: Any

    def __init__(self, card: CellCard, input_size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, card.size
        self.recurrent_frozen = False

    @classmethod
    def has_traces(cls) -> bool:
        """Whether `traced_step` is defined in the same class as `step`, and so belongs to it."""
        return "traced_step" in vars(next(one for one in cls.__mro__ if "step" in vars(one)))

    def traced_weights(self) -> list[nn.Parameter]:
        """What `traced_step` gives eligibilities of, side by side: weights [H, .], and biases [H], whose line is always 1."""
        recurrent = [weight for weight in self.recurrent_weights() if weight.requires_grad]
        return [self.w_in, *recurrent]

    @classmethod
    def has_sums(cls) -> bool:
        """Whether `sums` is defined in the same class as `step`, and so belongs to it."""
        return "sums" in vars(next(one for one in cls.__mro__ if "step" in vars(one)))

    def freeze_recurrence(self) -> None:
        super().freeze_recurrence()
        self.recurrent_frozen = True
