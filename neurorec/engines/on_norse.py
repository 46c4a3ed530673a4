"""Norse runs the time steps of LIF and adaptive LIF layers, with neurorec's spike function in place of its own.

Norse 1.1.0 ignores the slope of its default surrogate, so the surrogate must be ours. The one point of substitution is
`_with_our_spikes`: it takes a Norse step function and returns the same code with the global name `threshold` bound to
the cell's spike function. Norse itself is left untouched. Every time constant is passed explicitly, in ms like dt.
"""

import functools
import types
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neurorec.engines.engine import Engine, engines
from neurorec.models.cell import Cell
from neurorec.models.cells.adaptive_lif import AdaptiveLIF, AdaptiveLIFState
from neurorec.models.cells.lif import LIF, LIFState
from neurorec.models.cells.surrogate import SpikeFunction
from neurorec.models.reservoirs.liquid_state import LiquidState


@functools.cache
def _norse() -> tuple[Any, Any]:
    """Norse's modules of LIF and LSNN steps. Its import warns about torch.jit.script, which is not our user's to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from norse.torch.functional import lif, lsnn
    return lif, lsnn


def _with_our_spikes(step: Callable[..., Any], spike: SpikeFunction) -> Callable[..., Any]:
    """Norse's `step` with its spike function `threshold(x, method, alpha)` replaced by `spike(x)`."""
    names = {**step.__globals__, "threshold": lambda x, method, alpha: spike(x)}
    return types.FunctionType(step.__code__, names, step.__name__, step.__defaults__)


@engines.register("norse")
class OnNorse(Engine):
    title = "norse"

    def why_not(self, cell: Cell) -> str | None:
        if type(cell) in (LIF, AdaptiveLIF, LiquidState):
            return None
        return "Norse has this step for recurrent LIF and LSNN neurons only"

    def unroll(
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        assert isinstance(cell, LIF)
        lif, lsnn = _norse()
        card = cell.card
        shared: dict[str, Any] = {
            "tau_mem_inv": 1.0 / card.tau_mem_ms,
            "tau_syn_inv": 1.0 / card.tau_syn_ms,
            "v_leak": card.v_leak,
            "v_th": card.v_threshold,
            "v_reset": card.v_reset,
        }
        now: Any = cell.initial_state(x.shape[1]) if state is None else state
        if isinstance(cell, AdaptiveLIF):
            step = _with_our_spikes(lsnn.lsnn_step, cell.spike)
            shared |= {"tau_adapt_inv": 1.0 / cell.card.tau_adapt_ms, "beta": cell.card.adaptation}
            p: Any = lsnn.LSNNParameters(**shared)
            wrap: Any = AdaptiveLIFState
        else:
            step = _with_our_spikes(lif.lif_step, cell.spike)
            p, wrap = lif.LIFParameters(**shared), LIFState
        outputs = []
        for x_t in x:
            z, now = step(x_t, now, cell.w_in, cell.w_rec, p, dt=card.dt_ms)
            outputs.append(z)
        if not outputs:
            return x.new_zeros(0, x.shape[1], cell.size), wrap(*now)
        return torch.stack(outputs), wrap(*now)
