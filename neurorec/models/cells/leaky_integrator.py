"""Leaky integrators: membranes that never spike, fed by synaptic currents (Norse's `li_step`)."""

from typing import NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Gain, Potential, TimeMs
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal
from neurorec.models.cells.lif import check_euler, check_learnable
from neurorec.models.cells.time_constant import LEARNED_EQUATION, LEARNED_SOURCES, TimeConstant
from neurorec.models.forms import NorseForm


class LeakyIntegratorCard(CellCard):
    dt_ms: TimeMs
    tau_mem_ms: TimeMs
    tau_syn_ms: TimeMs
    v_leak: Potential
    learn_time_constants: bool  #: whether tau_mem and tau_syn are learned, one value per unit
    input_gain: Gain

    @model_validator(mode="after")
    def _time_constants_are_possible(self) -> Self:
        check_euler(self)
        check_learnable(self)
        return self


class LeakyIntegratorState(NamedTuple):
    v: Tensor  #: [B, H] membrane potential, which is the output
    i: Tensor  #: [B, H] synaptic current


@cells.register("leaky_integrator")
class LeakyIntegrator(Cell):
    """H leaky integrators; each receives all inputs and nothing from other units, so its state is its only memory.

    This is exactly `norse.torch.functional.li_step`, which is feed-forward too.
    """

    Card = LeakyIntegratorCard
    title = "leaky integrators"
    output_signal = "values"
    needs = capabilities("membranes")
    nir_why_not = (
        "its units send potentials, and only spiking layers can be written; the closest export is a spiking layer with the "
        'readout "leaky", whose integrators are NIR\'s LI'
    )
    equations = (
        "j_t = i_{t-1} + W_in x_t;   v_t = v_{t-1} + dt/tau_mem (v_leak - v_{t-1} + j_t);\n"
        f"i_t = j_t - dt/tau_syn j_t;   y_t = v_t;\n{LEARNED_EQUATION}"
    )
    sources = ("norse", *LEARNED_SOURCES)
    start_fields = ("v",)
    card: LeakyIntegratorCard

    def __init__(self, card: LeakyIntegratorCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.tau_mem, self.tau_syn = (
            TimeConstant(card.dt_ms, tau_ms, card.size, card.learn_time_constants)
            for tau_ms in (card.tau_mem_ms, card.tau_syn_ms)
        )

    @classmethod
    def sources_of(cls, card: CellCard) -> tuple[str, ...]:
        unused = () if getattr(card, "learn_time_constants", False) else LEARNED_SOURCES
        return tuple(key for key in cls.sources if key not in unused)

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)

    def initial_state(self, batch: int) -> LeakyIntegratorState:
        zero = self._zeros(batch)
        return LeakyIntegratorState(v=zero + self.card.v_leak, i=zero)

    def step(self, state: LeakyIntegratorState, x: Tensor) -> tuple[Tensor, LeakyIntegratorState]:
        jump = state.i + nn.functional.linear(x, self.w_in)
        v = state.v + self.tau_mem.rate * ((self.card.v_leak - state.v) + jump)
        i = jump + -self.tau_syn.rate * jump
        return v, LeakyIntegratorState(v, i)

    def norse_form(self) -> NorseForm:
        rates = {"tau_mem_inv": self.tau_mem.rate, "tau_syn_inv": self.tau_syn.rate, "v_leak": self.card.v_leak}
        return NorseForm("leaky_integrator.li_step", "LIParameters", rates, (self.w_in,))

    def recurrent_weights(self) -> list[nn.Parameter]:
        return []

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0),
            recurrent_signal="values",
            neuron_updates=H,
            elementwise=4 * H,  # v: 2 additions, 1 multiplication; i: 1 multiplication
            nonlinearities=0,
            state_values=2 * H,
            tape_values=(2 if self.card.learn_time_constants else 0) * H,  # the factors of the two learned rates
        )
