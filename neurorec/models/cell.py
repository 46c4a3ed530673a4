"""The contract of a cell: one recurrent layer. Adding a cell is one file in `cells/` and one `@cells.register`."""

from typing import ClassVar

from pydantic import PositiveInt

from neurorec.basics.cards import Card
from neurorec.basics.registry import Registry
from neurorec.models.layer import Layer, Signal, StepOperations, draw_normal

__all__ = ["Cell", "CellCard", "Signal", "StepOperations", "cells", "draw_normal"]

cells: Registry[type["Cell"]] = Registry("cell")


class CellCard(Card):
    """What every cell's card states."""

    name: str
    size: PositiveInt


class Cell(Layer):
    """One recurrent layer of H units, all built from one card."""

    Card: ClassVar[type[CellCard]]
    differentiable: ClassVar[bool] = (
        True  #: whether the output has a derivative (or a surrogate) with respect to the weights
    )
    card: CellCard

    def __init__(self, card: CellCard, input_size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, card.size
        self.recurrent_frozen = False

    def freeze_recurrence(self) -> None:
        super().freeze_recurrence()
        self.recurrent_frozen = True
