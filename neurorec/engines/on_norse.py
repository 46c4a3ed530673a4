"""Norse runs the time steps of layers that declare a Norse form, with neurorec's spike function.

Norse 1.1.0 ignores the slope of its default surrogate, so neurorec's is used. The only point of substitution is
`_with_our_spikes`: it takes a Norse step function and returns the same code with the global name `threshold` bound to
the layer's spike function. Norse itself is not modified. Every time constant is passed explicitly, as the rate dt/tau
with dt = 1, whether it is given by the card or learned per neuron.
"""

import functools
import importlib
import types
import warnings
from collections.abc import Callable
from typing import Any

from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.engines.engine import Engine, engines
from neurorec.models.layer import Layer, unroll_steps


@functools.cache
def _norse(module: str) -> Any:
    """A module of norse.torch.functional, without Norse's warnings about torch.jit.script, which users cannot fix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(f"norse.torch.functional.{module}")


def _with_our_spikes(step: Callable[..., Any], spike: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """Norse's `step` with its spike function `threshold(x, method, alpha)` replaced by `spike(x)`."""
    names = {**step.__globals__, "threshold": lambda x, method, alpha: spike(x)}
    return types.FunctionType(step.__code__, names, step.__name__, step.__defaults__)


@engines.register("norse")
class OnNorse(Engine):
    title = "norse"
    priority = 1

    def why_not(self, layer: Layer) -> str | None:
        form = layer.norse_form()
        return form if isinstance(form, str) else None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        start = layer.start(x.shape[1]) if state is None else state
        step = norse_step(layer)

        def named(now: Any, x_t: Tensor) -> tuple[Tensor, Any]:
            output, after = step(x_t, now)
            return output, type(start)(*after)

        return unroll_steps(named, start, x, layer.size, lengths)


def norse_step(layer: Layer) -> Callable[[Tensor, Any], tuple[Tensor, Any]]:
    """The layer's step in Norse: (x [B, I], state) to (output, state).

    Raises
    ------
    CannotRun
        If the layer has no Norse form.
    """
    form = layer.norse_form()
    if isinstance(form, str):
        raise CannotRun(f"engine norse cannot run {layer.title}: {form}; use --engine auto")
    name, function = form.step.split(".")
    module = _norse(name)
    step, parameters = getattr(module, function), getattr(module, form.parameters)(**form.values)
    if form.spike is not None:
        step = _with_our_spikes(step, form.spike)
    return lambda x_t, now: step(x_t, now, *form.weights, parameters, dt=1.0)
