"""The contract of a cell: one recurrent layer. Adding a cell is one file in `cells/` and one `@cells.register`."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from pydantic import PositiveInt
from torch import Tensor

from neurorec.basics.cards import Card
from neurorec.basics.registry import Registry
from neurorec.models.layer import Layer, Signal, StepOperations, draw_normal

__all__ = ["Cell", "CellCard", "Eligibility", "Signal", "StepOperations", "TraceOperations", "cells", "draw_normal"]

cells: Registry[type["Cell"]] = Registry("cell")


class CellCard(Card):
    """What every cell's card states."""

    name: str
    size: PositiveInt


class Eligibility(NamedTuple):
    """What every synapse would have done to its neuron's spike of this step, e = dz/dw = psi du: [B, H, L], as factors."""

    psi: Tensor  #: [B, H, 1]
    du: Tensor  #: [B, H, L], or [B, 1, L]


@dataclass(frozen=True)
class TraceOperations:
    """Additions and multiplications with which a cell's `traced_step` follows its traces in one step."""

    per_line: int
    per_synapse: int


class Cell(Layer):
    """One recurrent layer of H units, all built from one card.

    A cell may bring `start_traces`, `traced_step` and `trace_operations` besides (see `cells/lif.py`): its step together with
    what the weights do to each neuron's own state. Rules that learn from eligibility traces need them.
    """

    Card: ClassVar[type[CellCard]]
    differentiable: ClassVar[bool] = (
        True  #: whether the output has a derivative (or a surrogate) with respect to the weights
    )
    card: CellCard

    def __init__(self, card: CellCard, input_size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, card.size
        self.recurrent_frozen = False

    @classmethod
    def has_traces(cls) -> bool:
        """Whether `traced_step` is written for this very `step`: in the same class."""
        return "traced_step" in vars(next(one for one in cls.__mro__ if "step" in vars(one)))

    def freeze_recurrence(self) -> None:
        super().freeze_recurrence()
        self.recurrent_frozen = True
