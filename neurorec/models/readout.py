"""Readouts, from activity to answers: a linear readout, or leaky integrators, which need no clocked sum."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.numbers import TimeMs
from neurorec.basics.registry import Registry
from neurorec.models.layer import Layer, StepOperations, draw_normal

readouts: Registry[type["Readout"]] = Registry("readout")

MANY_STEPS = 1_000
LONG_SERIES = 5_000  #: steps above which a leaky readout works in blocks of MANY_STEPS
BYTES_PER_LAG = 24  #: of each pair of steps: its lag, and its weight with what is needed to compute it


class ReadoutCard(Card):
    name: str


class LeakyCard(ReadoutCard):
    tau_ms: TimeMs
    dt_ms: TimeMs


class ReadoutState(NamedTuple):
    y: Tensor  #: [B, O] output of the last step


class Readout(Layer):
    """O units that weight their input h [T, B, H] and filter the sum: y [T, B, O]. No unit receives another's output.

    The filter is linear and time-invariant, so it commutes with the weights, and a mean over time can be taken before both
    (`step_weights`, `answer`).
    """

    Card: ClassVar[type[ReadoutCard]] = ReadoutCard
    trained: ClassVar[bool] = True  #: whether it has weights
    output_signal = "values"
    sources = ()
    card: ReadoutCard

    def __init__(self, card: ReadoutCard, input_size: int, size: int) -> None:
        super().__init__()
        self.card, self.input_size, self.size = card, input_size, size
        self.weight = nn.Parameter(torch.zeros(size, input_size))
        self.bias = nn.Parameter(torch.zeros(size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.weight, 1.0, generator)
        nn.init.zeros_(self.bias)

    def initial_state(self, batch: int) -> ReadoutState:
        return ReadoutState(self._zeros(batch))

    def input_weights(self) -> nn.Parameter | None:
        return self.weight

    @property
    def rate(self) -> float:
        """Share of the output that is replaced in one step."""
        return 1.0

    def filter(self, h: Tensor) -> Tensor:
        """The readout's dynamics applied to lines [T, B, K], starting from rest."""
        return h

    def decay(self, steps: int) -> Tensor:
        """Share of the initial state that remains after each step: [T]."""
        return self.bias.new_zeros(steps)

    def forward(
        self, x: Tensor, state: ReadoutState | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, ReadoutState]:
        """x [T, B, H] to y [T, B, O] (0 after the end of a sample) and the final state."""
        y = self.filter(nn.functional.linear(x, self.weight, self.bias))
        if state is not None:
            y = y + self.decay(len(y))[:, None, None] * state.y
        start = self.initial_state(x.shape[1]) if state is None else state
        if not len(y):
            return y, start
        if lengths is None:
            return y, ReadoutState(y[-1])
        last = y[(lengths - 1).clamp_min(0), torch.arange(len(lengths), device=y.device)]
        runs = torch.arange(len(y), device=y.device)[:, None, None] < lengths[:, None]
        return torch.where(runs, y, 0), ReadoutState(torch.where((lengths > 0)[:, None], last, start.y))

    def step_weights(self, mask: Tensor) -> Tensor:
        """Weight of each input step in the mean output over the masked steps; both [T] or [T, B]. The filter is
        time-invariant, so its transpose is the filter itself with time reversed."""
        share = mask.to(self.weight.dtype) / mask.sum(0)
        return self.filter(share.flip(0).reshape(len(mask), -1, 1)).reshape(mask.shape).flip(0)

    def answer(self, summed: Tensor, weights: Tensor) -> Tensor:
        """The mean output [B, O] from the input's sum over time [B, H] with these step weights."""
        if weights.dim() == 1:
            return nn.functional.linear(summed, self.weight, self.bias * weights.sum())
        return nn.functional.linear(summed, self.weight) + self.bias * weights.sum(0)[:, None]

    def operations(self) -> StepOperations:
        return StepOperations(
            input_fan_out=self._dense(self.input_size, self.size),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=0,
            elementwise=self.size,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
        )


@readouts.register("linear")
class LinearReadout(Readout):
    """A weighted sum in every step."""

    title = "linear readout"
    equations = "y_t = W h_t + b"

    def step(self, state: ReadoutState, x: Tensor) -> tuple[Tensor, ReadoutState]:
        y = nn.functional.linear(x, self.weight, self.bias)
        return y, ReadoutState(y)


@readouts.register("leaky")
class LeakyReadout(Readout):
    """Leaky integrators, from y = 0: NIR's LI under forward Euler with r = 1."""

    Card = LeakyCard
    title = "leaky-integrator readout"
    needs = capabilities("membranes")
    equations = "y_t = y_{t-1} + dt/tau (-y_{t-1} + W z_t + b)"
    example: ClassVar = {"tau_ms": 5.0, "dt_ms": 1.0}
    card: LeakyCard

    @property
    def rate(self) -> float:
        return self.card.dt_ms * (1.0 / self.card.tau_ms)

    def step(self, state: ReadoutState, x: Tensor) -> tuple[Tensor, ReadoutState]:
        y = state.y + self.rate * (nn.functional.linear(x, self.weight, self.bias) - state.y)
        return y, ReadoutState(y)

    def filter(self, h: Tensor) -> Tensor:
        """The recursion as one product with its kernel a (1-a)^(t-s), a = dt/tau."""
        T = h.shape[0]
        if T > LONG_SERIES:
            return self._filter_in_blocks(h)
        if T > MANY_STEPS:
            refuse_memory(
                BYTES_PER_LAG * T * T, f"a leaky readout over {T:,} steps", "use fewer steps (steps_per_frame)"
            )
        t = torch.arange(T, device=h.device)
        lag = (t[:, None] - t[None, :]).clamp_min(0).to(h.dtype)
        kernel = torch.tril(self.rate * (1 - self.rate) ** lag)
        return torch.einsum("ts,sbk->tbk", kernel, h)

    def _filter_in_blocks(self, h: Tensor) -> Tensor:
        """Each block of steps from rest, plus what is left of the last output of the block before."""
        found, last = [], torch.zeros_like(h[0])
        for block in h.split(MANY_STEPS):
            found.append(self.filter(block) + self.decay(len(block)).to(h.dtype)[:, None, None] * last)
            last = found[-1][-1]
        return torch.cat(found)

    def decay(self, steps: int) -> Tensor:
        t = torch.arange(1, steps + 1, device=self.bias.device)
        return (1 - self.rate) ** t.to(self.bias.dtype)

    def operations(self) -> StepOperations:
        return StepOperations(
            input_fan_out=self._dense(self.input_size, self.size),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=self.size,
            elementwise=3 * self.size,
            nonlinearities=0,
            state_values=self.size,
            tape_values=0,
        )
