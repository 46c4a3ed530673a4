"""Competitive LIF neurons that also excite each other through plastic synapses with a delay."""

from collections import namedtuple
from functools import cache
from typing import Any, ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from neurorec.basics.numbers import PositiveGain, TimeMs
from neurorec.models.cell import StepOperations, cells
from neurorec.models.cells.competitive_lif import CompetitiveLIF, CompetitiveLIFCard
from neurorec.models.forms import EventForm

LONGEST_DELAY = 1000  #: in steps


class RecurrentCompetitiveLIFCard(CompetitiveLIFCard):
    excitation_sum: PositiveGain  #: initial sum of each neuron's excitatory recurrent weights; STDP preserves it
    delay_ms: TimeMs  #: of the excitatory recurrent synapses: a multiple of dt_ms

    @model_validator(mode="after")
    def _delay_is_a_number_of_steps(self) -> Self:
        steps = self.delay_ms / self.dt_ms
        if not 1 <= round(steps) <= LONGEST_DELAY or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"delay_ms must be 1 to {LONGEST_DELAY} times dt_ms ({self.dt_ms:g}), in whole steps (got {self.delay_ms:g})"
            )
        return self


@cache
def delayed_state(delay: int) -> type:
    """[B, H] each: z, spikes of the last step; v, membrane potential; i, synaptic current; z_2 to z_D, earlier spikes."""
    return namedtuple("DelayedState", ("z", "v", "i", *(f"z_{steps}" for steps in range(2, delay + 1))))


@cells.register("recurrent_competitive_lif")
class RecurrentCompetitiveLIF(CompetitiveLIF):
    """`competitive_lif` with excitatory synapses W_exc between all different neurons, whose spikes arrive D = delay / dt steps
    later. Dale's law: W_exc >= 0 is plastic and excites; inhibition has its own, fixed synapses, as if through one interneuron
    per neuron. STDP keeps W_exc >= 0; BPTT on this cell may not."""

    Card = RecurrentCompetitiveLIFCard
    title = "recurrent competitive LIF"
    nir_why_not = CompetitiveLIF.nir_why_not
    equations = (
        "j_t = i_{t-1} + W_in x_t + W_exc z_{t-D} - inhibition (sum of z_{t-1} of the others);\n"
        "u_t = v_{t-1} + dt/tau_mem (v_leak - v_{t-1} + j_t);   z_t = [u_t > v_threshold + theta];\n"
        "v_t = (1 - z_t) u_t + z_t v_reset;   i_t = j_t - dt/tau_syn j_t"
    )
    sources = ("diehl2015",)
    example: ClassVar = {"weight_sum": 4.0, "excitation_sum": 2.0, "delay_ms": 2.0}
    card: RecurrentCompetitiveLIFCard

    def __init__(self, card: RecurrentCompetitiveLIFCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_exc = nn.Parameter(torch.zeros(card.size, card.size))
        self.delay = round(card.delay_ms / card.dt_ms)

    def reset_parameters(self, generator: torch.Generator) -> None:
        super().reset_parameters(generator)
        with torch.no_grad():
            drawn = torch.rand(self.w_exc.shape, generator=generator).fill_diagonal_(0)
            self.w_exc.copy_(self.card.excitation_sum * drawn / drawn.sum(1, keepdim=True).clamp_min(1e-12))

    def initial_state(self, batch: int) -> Any:
        start = super().initial_state(batch)
        return delayed_state(self.delay)(start.z, start.v, start.i, *[start.z] * (self.delay - 1))

    def step(self, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        sent = (state.z, *state[3:])  # 1 to D steps ago
        jump = state.i + nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        jump = jump + nn.functional.linear(sent[-1], self.w_exc)
        u = state.v + self.membrane_rate * ((self.card.v_leak - state.v) + jump)
        i = jump + -self.synapse_rate * jump
        z = self.spike(u - (self.card.v_threshold + self.theta))
        v = (1 - z.detach()) * u + z.detach() * self.card.v_reset
        return z, delayed_state(self.delay)(z, v, i, *sent[:-1])

    def event_form(self) -> EventForm | str:
        plain = super().event_form()
        if isinstance(plain, str):
            return plain
        return plain.with_excitation(self.w_exc, self.card.excitation_sum, self.delay)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec, self.w_exc]

    def operations(self) -> StepOperations:
        H, plain = self.size, super().operations()
        return StepOperations(
            input_fan_out=plain.input_fan_out,
            recurrent_fan_out=2 * plain.recurrent_fan_out,  # inhibition and excitation
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=plain.elementwise,
            nonlinearities=0,
            state_values=plain.state_values + (self.delay - 1) * H,
            tape_values=plain.tape_values,
        )
