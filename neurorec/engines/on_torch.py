"""The reference engine: a plain loop over the layer's own step, slow but simple."""

from torch import Tensor

from neurorec.engines.engine import Engine, engines
from neurorec.models.layer import Layer


@engines.register("torch")
class OnTorch(Engine):
    title = "torch"

    def why_not(self, layer: Layer) -> str | None:
        return None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        return layer(x, state, lengths)
