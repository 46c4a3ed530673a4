"""The engine `fused`: spiking layers on the CPU, several times faster than a loop of tensor operations."""

from typing import Any, cast

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import Engine, engines
from neurorec.engines.fused.record import Recorded, record
from neurorec.engines.fused.step_graph import NotElementwise
from neurorec.models.layer import Layer


@engines.register("fused")
class OnFused(Engine):
    title = "fused"
    priority = 2

    def why_not(self, layer: Layer) -> str | None:
        for name, weight in layer.named_parameters():
            if weight.device.type != "cpu" or weight.dtype != torch.float32:
                kind = str(weight.dtype).removeprefix("torch.")
                return f"its {name} is {kind} on {weight.device.type}; this engine computes in float32 on the CPU"
        try:
            record(layer)
        except NotElementwise as reason:
            return str(reason)
        return None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        start: Any = layer.start(x.shape[1]) if state is None else state
        if not x.shape[0]:
            return x.new_zeros(0, x.shape[1], layer.size), start
        recorded, (output, _, final) = _run(layer, x, x.new_zeros(0, x.shape[0]), start, lengths)
        after = dict(zip(recorded.names, final, strict=True))
        if recorded.spikes is not None:
            after[recorded.spikes] = _last(output, getattr(start, recorded.spikes), lengths)
        return output, cast(Any, type(start))(**after)

    def weighted_sums(self, layer: Layer, x: Tensor, weights: Tensor, lengths: Tensor | None = None) -> Tensor:
        if weights.dim() == 3:
            return super().weighted_sums(layer, x, weights, lengths)
        return _run(layer, x, weights, layer.start(x.shape[1]), lengths, outputs=False)[1][1]


def _last(output: Tensor, before: Tensor, lengths: Tensor | None) -> Tensor:
    """The output of each sample's last step, or `before` for samples without steps."""
    if lengths is None:
        return output[-1]
    last = output[(lengths - 1).clamp_min(0), torch.arange(len(lengths))]
    return torch.where((lengths > 0)[:, None], last, before)


def _run(
    layer: Layer, x: Tensor, weights: Tensor, start: Any, lengths: Tensor | None, outputs: bool = True
) -> tuple[Recorded, tuple[Tensor, Tensor, list[Tensor]]]:
    from neurorec.engines.fused.known import recorded_step
    from neurorec.engines.fused.unroll import unroll

    if x.device.type != "cpu" or x.dtype != torch.float32:
        kind = str(x.dtype).removeprefix("torch.")
        raise CannotRun(f"engine fused computes in float32 on the CPU; its input is {kind} on {x.device.type}")
    (recorded, code), parts = recorded_step(layer), start._asdict()
    z = x.new_zeros(x.shape[1], 0) if recorded.w_rec is None else parts[recorded.spikes]
    others = [parts[name] for name in recorded.names]
    return recorded, unroll(recorded, code, x, weights, lengths, z, others, outputs)
