"""The engine `fused`: spiking layers on the CPU, several times faster than a loop of tensor operations."""

from typing import Any, cast

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import Engine, engines
from neurorec.engines.fused.graph import NotElementwise
from neurorec.engines.fused.record import record
from neurorec.models.cell import Cell


@engines.register("fused")
class OnFused(Engine):
    title = "fused"

    def why_not(self, cell: Cell) -> str | None:
        for name, weight in cell.named_parameters():
            if weight.device.type != "cpu" or weight.dtype != torch.float32:
                kind = str(weight.dtype).removeprefix("torch.")
                return f"its {name} is {kind} on {weight.device.type}; this engine computes float32 on the cpu"
        try:
            record(cell)
        except NotElementwise as reason:
            return str(reason)
        return None

    def unroll(
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        from neurorec.engines.fused.unroll import unroll

        if x.device.type != "cpu" or x.dtype != torch.float32:
            kind = str(x.dtype).removeprefix("torch.")
            raise CannotRun(f"engine fused computes float32 on the cpu; its input is {kind} on {x.device.type}")
        start: Any = cell.initial_state(x.shape[1]) if state is None else state
        if not x.shape[0]:
            return x.new_zeros(0, x.shape[1], cell.size), start
        recorded = record(cell)
        parts = start._asdict()
        z = x.new_zeros(x.shape[1], 0) if recorded.spikes is None else parts[recorded.spikes]
        output, z, final = unroll(recorded, x, z, [parts[name] for name in recorded.names], lengths)
        after = dict(zip(recorded.names, final, strict=True)) | ({recorded.spikes: z} if recorded.spikes else {})
        return output, cast(Any, type(start))(**after)
