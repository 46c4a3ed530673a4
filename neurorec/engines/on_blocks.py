"""The engine `blocks`: layers with fixed weights over one long series, in blocks of time that run side by side.

A sequence of matrix-vector products becomes a shorter one of matrix products. All blocks but the first start from rest. Then
each starts again from the final state of the block before, and is corrected until its new states agree with the old ones: from
there on, a layer that forgets where it started would only repeat itself. If a block does not agree before its end, the layer
does not forget its initial state, and is run step by step.
"""

from typing import Any

import torch
from torch import Tensor

from neurorec.engines.engine import Engine, engines
from neurorec.models.forms import FadingForm
from neurorec.models.layer import Layer

BLOCKS = 32
SHORTEST = 200  #: steps of a block
MOST_SAMPLES = 4  #: that a series may consist of; products of larger batches are as fast without blocks
COMPARED = 16  #: successive steps at which states must agree
AGREE = 32  #: units in the last place of the largest state, by which a different order of sums may change them


@engines.register("blocks")
class OnBlocks(Engine):
    """Results differ from the plain loop only by the order of sums. Short series, many samples, samples of unequal length
    and gradients are left to the layer's own step."""

    title = "blocks"
    priority = 1

    def why_not(self, layer: Layer) -> str | None:
        device = next(layer.parameters()).device.type
        if device != "cpu":
            return f"its weights are on {device}; this engine uses the CPU"
        form = layer.fading_form()
        return form if isinstance(form, str) else None

    def unroll(
        self, layer: Layer, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        form, (T, B, _) = layer.fading_form(), x.shape
        weights = (*layer.parameters(), x, *(state or ()))
        learning = torch.is_grad_enabled() and any(weight.requires_grad for weight in weights)
        unequal = lengths is not None and bool((lengths < T).any())
        if isinstance(form, str) or learning or unequal or not 0 < B <= MOST_SAMPLES or T < 2 * SHORTEST:
            return layer(x, state, lengths)
        start = layer.start(B) if state is None else state
        found = in_blocks(form, x, start, layer.size)
        return layer(x, state) if found is None else (found, type(start)(found[-1]))


def in_blocks(form: FadingForm, x: Tensor, start: Any, size: int) -> Tensor | None:
    """States [T, B, H] of a layer over x [T, B, I], or None if it does not forget its initial state within a block."""
    (T, B, I), kind = x.shape, type(start)  # noqa: E741
    blocks = min(BLOCKS, T // SHORTEST)
    length = T // blocks
    x_at = x[: blocks * length].reshape(blocks, length, B, I)
    found = x.new_empty(T, B, size)
    states = found[: blocks * length].view(blocks, length, B, size)
    state = start[0].new_zeros(blocks, B, size)
    state[0] = start[0]
    for t in range(length):
        state = _step(form, kind, state, x_at[:, t])
        states[:, t] = state
    if not _corrected(form, kind, states, x_at):
        return None
    last = kind(states[-1, -1])
    for t in range(blocks * length, T):
        found[t], last = form.step(last, x[t])
    return found


def _corrected(form: FadingForm, kind: Any, states: Tensor, x_at: Tensor) -> bool:
    """Whether every block but the first, started again from the end of the block before, agrees with its `states`
    [blocks, length, B, H] before its end; up to there, they are replaced."""
    if len(states) == 1:
        return True
    state, apart = states[:-1, -1].clone(), []
    for t in range(states.shape[1]):
        state = _step(form, kind, state, x_at[1:, t])
        apart.append((state - states[1:, t]).abs().amax())
        states[1:, t] = state
        if t % COMPARED == COMPARED - 1:
            allowed = AGREE * torch.finfo(state.dtype).eps * max(1.0, float(state.abs().amax()))
            if float(torch.stack(apart[-COMPARED:]).amax()) <= allowed:
                return True
    return False


def _step(form: FadingForm, kind: Any, state: Tensor, x: Tensor) -> Tensor:
    """One step of all blocks: state [blocks, B, H] and x [blocks, B, I] to the next state."""
    after, _ = form.step(kind(state.flatten(0, 1)), x.flatten(0, 1))
    return after.unflatten(0, state.shape[:2])
