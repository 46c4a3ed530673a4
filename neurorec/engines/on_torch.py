"""The reference: a plain loop over the cell's own step, slow and obvious."""

from torch import Tensor

from neurorec.engines.engine import Engine, engines
from neurorec.models.cell import Cell


@engines.register("torch")
class OnTorch(Engine):
    title = "torch"

    def why_not(self, cell: Cell) -> str | None:
        return None

    def unroll(
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return cell(x, state, lengths)
