"""LIF neurons with lateral inhibition and adaptive thresholds, the spiking half of competitive learning (after Diehl & Cook
2015)."""

from dataclasses import replace
from typing import Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Gain, PositiveGain, Potential, TimeMs
from neurorec.models.cell import Cell, CellCard, StepOperations, cells
from neurorec.models.cells.lif import CLOSEST_IN_NIR, CURRENT_BASED, LIFState, check_euler, current_based
from neurorec.models.cells.surrogate import SpikeFunction, surrogates
from neurorec.models.forms import EventForm


class CompetitiveLIFCard(CellCard):
    dt_ms: TimeMs
    tau_mem_ms: TimeMs
    tau_syn_ms: TimeMs
    v_threshold: Potential
    v_leak: Potential
    v_reset: Potential
    surrogate: str
    slope: PositiveGain
    weight_sum: PositiveGain  #: initial sum of each neuron's incoming weights; STDP preserves it
    inhibition: Gain  #: subtracted by one spike from the current of every other neuron, one step later

    @model_validator(mode="after")
    def _steps_are_short_enough(self) -> Self:
        check_euler(self)
        return self


@cells.register("competitive_lif")
class CompetitiveLIF(Cell):
    """H LIF neurons: plastic W_in, fixed lateral inhibition W_rec, and a threshold offset theta per neuron.

    Otherwise the step is that of `lif`. W_rec is `-inhibition` between different neurons and 0 on the diagonal; no
    rule changes it. theta starts at 0, changes only while STDP runs, and is fixed afterwards: a buffer, not a parameter.
    STDP needs W_in >= 0; BPTT on this cell may make weights negative.
    """

    Card = CompetitiveLIFCard
    title = "competitive LIF"
    output_signal = "spikes"
    needs = capabilities("membranes")
    nir_why_not = (
        "its thresholds change with its spikes while it learns, but standard NIR has constant thresholds and no learning "
        f"rule; {CLOSEST_IN_NIR}"
    )
    equations = (
        "j_t = i_{t-1} + W_in x_t - inhibition (sum of z_{t-1} of the others);\n"
        "u_t = v_{t-1} + dt/tau_mem (v_leak - v_{t-1} + j_t);   z_t = [u_t > v_threshold + theta];\n"
        "v_t = (1 - z_t) u_t + z_t v_reset;   i_t = j_t - dt/tau_syn j_t"
    )
    sources = ("diehl2015",)
    card: CompetitiveLIFCard
    theta: Tensor

    def __init__(self, card: CompetitiveLIFCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(card.inhibition * (torch.eye(card.size) - 1), requires_grad=False)
        self.register_buffer("theta", torch.zeros(card.size))
        self.spike: SpikeFunction = surrogates[card.surrogate](card.slope)
        self.membrane_rate = card.dt_ms * (1.0 / card.tau_mem_ms)
        self.synapse_rate = card.dt_ms * (1.0 / card.tau_syn_ms)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Uniform weights >= 0, normalised so that each neuron's weights sum to `weight_sum`; threshold offsets 0."""
        with torch.no_grad():
            drawn = torch.rand(self.w_in.shape, generator=generator)
            self.w_in.copy_(self.card.weight_sum * drawn / drawn.sum(1, keepdim=True))
            self.theta.zero_()

    def initial_state(self, batch: int) -> LIFState:
        zero = self._zeros(batch)
        return LIFState(z=zero, v=zero + self.card.v_leak, i=zero)

    def step(self, state: LIFState, x: Tensor) -> tuple[Tensor, LIFState]:
        jump = state.i + nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        u = state.v + self.membrane_rate * ((self.card.v_leak - state.v) + jump)
        i = jump + -self.synapse_rate * jump
        z = self.spike(u - (self.card.v_threshold + self.theta))
        v = (1 - z.detach()) * u + z.detach() * self.card.v_reset
        return z, LIFState(z, v, i)

    def event_form(self) -> EventForm | str:
        model = replace(CURRENT_BASED, fires="v > v_threshold + theta")
        return current_based(
            self.card, model, self.w_in, self.w_rec, kept={"theta": self.theta}, weight_sum=self.card.weight_sum,
            lateral_inhibition=True,
        )  # fmt: skip

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else H - 1),  # no self-inhibition
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=5 * H,  # as lif: v_threshold + theta is stored as one number per neuron
            nonlinearities=0,
            state_values=2 * H,
            tape_values=2 * H,  # u and z
        )
