"""The contract of a layer: units described by one time step.

Letters: T time, B batch, I input, H hidden (units of the layer), O output. Cells (`models/cell.py`) and readouts
(`models/readout.py`) are layers; a network (`models/network.py`) is layers joined by wires. Every engine runs a layer by
its `step`, or by a faster form tested against it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurorec.basics.cards import Card
from neurorec.basics.errors import InputError
from neurorec.models.forms import Forms

Signal = Literal["spikes", "values"]


@dataclass(frozen=True)
class StepOperations:
    """Hardware operations of one time step of one sample, declared by the layer, never inferred from tensor values.

    A line carries spikes or values. A spike on line k costs `fan_out[k]` accumulates; a value costs the same number of
    multiply-accumulates in every step. Together with observed activity this gives exact integer counts.
    """

    input_fan_out: np.ndarray  #: [I] synapses that input line k reaches
    recurrent_fan_out: np.ndarray  #: [H] synapses that unit k reaches inside the layer
    recurrent_signal: Signal  #: what the recurrent lines carry
    neuron_updates: int  #: state updates per step (H for spiking cells)
    elementwise: int  #: additions and multiplications per step outside the synapses
    nonlinearities: int  #: tanh and sigmoid evaluations per step
    state_values: int  #: numbers of state read and written in every step
    tape_values: int  #: numbers that backpropagation through time must store per step
    macs: int = 0  #: multiply-accumulates per step that belong to no declared synapse
    counted_by: str = "declared"  #: "FLOP counter" if a user's torch module was measured


class Layer(Forms, nn.Module, ABC):
    """H units that hear I lines (receive them as input).

    Attributes
    ----------
    output_signal : "spikes" if the units send 0 or 1, "values" if they send real numbers
    equations, sources : shown by `neurorec show`; equations are written nowhere else
    """

    Card: ClassVar[type[Card]]
    title: ClassVar[str]
    output_signal: ClassVar[Signal]
    equations: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    needs: ClassVar[frozenset[str]] = frozenset()  #: chip capabilities needed, besides that of `output_signal`
    nir_why_not: ClassVar[
        str
    ]  #: why NIR has no node for it; "" if its step is that of CubaLIF. Not inherited by subclasses
    example: ClassVar[Mapping[str, Any]] = {}  #: values of the card's own keys, for tests and `neurorec show`
    card: Any
    input_size: int
    size: int

    @classmethod
    def sources_of(cls, card: Any) -> tuple[str, ...]:
        """Those of `sources` that apply to a layer with this card."""
        return cls.sources

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw the initial weights from `generator`."""

    @abstractmethod
    def initial_state(self, batch: int) -> Any:
        """The state before the first step: a NamedTuple of [B, H] tensors on the device of the weights."""

    @abstractmethod
    def step(self, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        """One step: state and x [B, I] to output [B, H] and the next state."""

    @abstractmethod
    def operations(self) -> StepOperations: ...

    def recurrent_weights(self) -> list[nn.Parameter]:
        """The weights that feed the layer's last output back to it."""
        return []

    def freeze_recurrence(self) -> None:
        """For the control: fix recurrent weights at zero, so that memory is only in the units' own state."""
        for weight in self.recurrent_weights():
            weight.requires_grad_(False)
            weight.data.zero_()

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x [T, B, I] to outputs [T, B, H] and the final state, by the plain loop over `step`.

        With `lengths` [B], each sample stops at its own length: its later outputs are 0, and its final state is that of its
        own last step.
        """
        state = self.initial_state(x.shape[1]) if state is None else state
        return unroll_steps(self.step, state, x, self.size, lengths)

    def _dense(self, lines: int, fan_out: int) -> np.ndarray:
        return np.full(lines, fan_out, dtype=np.int64)

    def _zeros(self, batch: int) -> Tensor:
        reference = next(self.parameters())
        return reference.new_zeros(batch, self.size, requires_grad=False)


def unroll_steps(
    step: Callable[[Any, Tensor], tuple[Tensor, Any]], state: Any, x: Tensor, size: int, lengths: Tensor | None
) -> tuple[Tensor, Any]:
    """The loop over time. A sample that has reached its length keeps its state and sends 0."""
    outputs = []
    for t, x_t in enumerate(x):
        output, after = step(state, x_t)
        if lengths is not None:
            runs = (t < lengths)[:, None]
            output = torch.where(runs, output, 0)
            after = type(after)(*(torch.where(runs, new, old) for new, old in zip(after, state, strict=True)))
        outputs.append(output)
        state = after
    return torch.stack(outputs) if outputs else x.new_zeros(0, x.shape[1], size), state


def check_lengths(lengths: Tensor, x: Tensor) -> None:
    """Raises `InputError` unless lengths are B integers from 0 to T, for x [T, B, I]."""
    T, B, _ = x.shape
    if lengths.shape != (B,) or lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise InputError(
            f"lengths must be {B} integers, one per sample of x {list(x.shape)} (got {lengths.dtype} {list(lengths.shape)})"
        )
    if B and not 0 <= int(lengths.min()) <= int(lengths.max()) <= T:
        raise InputError(
            f"lengths must be in 0 to T = {T}, the steps of x (got {int(lengths.min())} to {int(lengths.max())})"
        )


def draw_normal(weight: Tensor, gain: float, generator: torch.Generator) -> None:
    """Fill weight [out, in] from a normal distribution with standard deviation gain / sqrt(in)."""
    with torch.no_grad():
        values = torch.randn(weight.shape, generator=generator) * (gain / max(1, weight.shape[1]) ** 0.5)
        weight.copy_(values)
