"""Norse runs the time steps of LIF, adaptive LIF and leaky-integrator layers, with neurorec's spike function for its own.

Norse 1.1.0 ignores the slope of its default surrogate, so the surrogate must be ours. The one point of substitution is
`_with_our_spikes`: it takes a Norse step function and returns the same code with the global name `threshold` bound to
the cell's spike function. Norse itself is left untouched. Every time constant is passed explicitly, as the rate dt/tau
with dt = 1: the same number, whether the card gives it or each neuron has learned its own.
"""

import functools
import types
import warnings
from collections.abc import Callable
from typing import Any

from torch import Tensor

from neurorec.engines.engine import Engine, engines
from neurorec.models.cell import Cell
from neurorec.models.layer import unroll_steps
from neurorec.models.cells.adaptive_lif import AdaptiveLIF
from neurorec.models.cells.leaky_integrator import LeakyIntegrator
from neurorec.models.cells.lif import LIF
from neurorec.models.cells.surrogate import SpikeFunction
from neurorec.models.reservoirs.liquid_state import LiquidState


@functools.cache
def _norse() -> tuple[Any, Any, Any]:
    """Norse's modules of LIF, LSNN and leaky-integrator steps. Its import warns about torch.jit.script, which is not our
    user's to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from norse.torch.functional import leaky_integrator, lif, lsnn
    return lif, lsnn, leaky_integrator


def _with_our_spikes(step: Callable[..., Any], spike: SpikeFunction) -> Callable[..., Any]:
    """Norse's `step` with its spike function `threshold(x, method, alpha)` replaced by `spike(x)`."""
    names = {**step.__globals__, "threshold": lambda x, method, alpha: spike(x)}
    return types.FunctionType(step.__code__, names, step.__name__, step.__defaults__)


@engines.register("norse")
class OnNorse(Engine):
    title = "norse"
    priority = 10

    def why_not(self, cell: Cell) -> str | None:
        if type(cell) not in (LIF, AdaptiveLIF, LiquidState, LeakyIntegrator):
            return "Norse has this step for recurrent LIF and LSNN neurons and for leaky integrators only"
        if isinstance(cell, LIF) and cell.card.reset != "zero":
            return f'its reset is "{cell.card.reset}", and Norse\'s recurrent steps know "zero" only'
        return None

    def unroll(
        self, cell: Cell, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        start = cell.initial_state(x.shape[1]) if state is None else state
        step = _integrators(cell) if isinstance(cell, LeakyIntegrator) else _neurons(cell)

        def named(now: Any, x_t: Tensor) -> tuple[Tensor, Any]:
            output, after = step(x_t, now)
            return output, type(start)(*after)

        return unroll_steps(named, start, x, cell.size, lengths)


def _integrators(cell: LeakyIntegrator) -> Callable[..., Any]:
    *_, li = _norse()
    p = li.LIParameters(tau_syn_inv=cell.tau_syn.rate, tau_mem_inv=cell.tau_mem.rate, v_leak=cell.card.v_leak)
    return lambda x_t, now: li.li_step(x_t, now, cell.w_in, p, dt=1.0)


def _neurons(cell: Cell) -> Callable[..., Any]:
    assert isinstance(cell, LIF)
    lif, lsnn, _ = _norse()
    card = cell.card
    shared: dict[str, Any] = {
        "tau_mem_inv": cell.tau_mem.rate,
        "tau_syn_inv": cell.tau_syn.rate,
        "v_leak": card.v_leak,
        "v_th": card.v_threshold,
        "v_reset": card.v_reset,
    }
    if isinstance(cell, AdaptiveLIF):
        step = _with_our_spikes(lsnn.lsnn_step, cell.spike)
        p: Any = lsnn.LSNNParameters(**shared, tau_adapt_inv=cell.tau_adapt.rate, beta=cell.card.adaptation)
    else:
        step, p = _with_our_spikes(lif.lif_step, cell.spike), lif.LIFParameters(**shared)
    return lambda x_t, now: step(x_t, now, cell.w_in, cell.w_rec, p, dt=1.0)
