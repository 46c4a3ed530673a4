"""The contract of a layer: units described by one time step.

Letters: T time, B batch, I input, H hidden (units of the layer), O output. Cells (`models/cell.py`) and readouts
(`models/readout.py`) are layers; a network (`models/network.py`) is layers joined by wires. Every engine runs a layer by
its `step`, or by a faster form tested against it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
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
    start_fields: ClassVar[tuple[str, ...]] = ()  #: fields of the state whose initial values can be learned
    given_field: ClassVar[str] = (
        ""  #: field of the state that samples give, for all units; or the first of `start_fields`
    )
    holds: ClassVar[bool] = False  #: whether a wire along reading delivers its last step throughout, not its last frame
    output_bounds: tuple[float, float] | None = None  #: that the units' values approach when they saturate
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

    def start(self, batch: int) -> Any:
        """The initial state, with what is learned of it."""
        rest, learned = self.initial_state(batch), self.learned_start
        if learned is None:
            return rest
        return rest._replace(**{
            name: torch.cat([getattr(rest, name)[:, : added.shape[1]] + added, getattr(rest, name)[:, added.shape[1] :]], 1)
            for name, added in learned.items()
        })  # fmt: skip

    @property
    def learned_start(self) -> nn.ParameterDict | None:
        """[1, units] by field of the state, added to the initial values of the first units; None if nothing is learned."""
        return self._modules.get("start_values")  # type: ignore[return-value]

    @property
    def sends_start(self) -> bool:
        """Whether the first step's recurrence carries what is learned of the initial state."""
        learned = self.learned_start
        return learned is not None and type(self.initial_state(1))._fields[0] in learned

    def learn_start(self, share: float) -> None:
        """Learn the initial state of this share of the units: `start_fields` of the first ones.

        Raises
        ------
        InputError
            If the layer has no state that could be learned.
        """
        if not self.start_fields:
            raise InputError(f"learn_start: {self.title} has no initial state that could be learned; remove it")
        units = max(1, round(share * self.size))
        self.start_values = nn.ParameterDict({
            name: nn.Parameter(torch.zeros(1, units)) for name in self.start_fields
        })  # fmt: skip

    def draw_start(self, spread: float, generator: torch.Generator) -> None:
        """Draw what is learned of the initial state, with this standard deviation."""
        with torch.no_grad():
            for values in (self.learned_start or {}).values():
                values.copy_(spread * torch.randn(values.shape, generator=generator))

    def input_weights(self) -> nn.Parameter | None:
        """The matrix [., I] by which the layer multiplies what it hears, if there is only one."""
        return getattr(self, "w_in", None)

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
        state = self.start(x.shape[1]) if state is None else state
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


def joined(titles: Iterable[str]) -> str:
    """ "LSTM + LSTM"; more than two of a kind in a row are counted: "feed-forward + 48 x residual"."""
    runs = [(title, len(list(same))) for title, same in groupby(titles)]
    return " + ".join(f"{n} x {title}" if n > 2 else " + ".join([title] * n) for title, n in runs)


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
