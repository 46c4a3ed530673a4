"""Recurrent spiking neurons of Izhikevich (2003): a quadratic membrane and a recovery variable."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Gain, PositiveGain, Potential, TimeMs
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal
from neurorec.models.cells.lif import CLOSEST_IN_NIR
from neurorec.models.cells.surrogate import SpikeFunction, surrogates
from neurorec.models.forms import EventForm

HALF_STEP = 6  #: elementwise operations: (0.04 v + 5) v + drive, times dt/2, added to v
ELEMENTWISE_PER_UNIT = 3 + 2 * HALF_STEP + 4 + 1 + 1
"""The drive g I + 140 - u; two half steps of v; u + dt a (b v - u); the comparison with the peak; d added to u."""


class IzhikevichCard(CellCard):
    dt_ms: TimeMs
    a_per_ms: Gain  #: rate of the recovery variable u
    b_per_ms: Potential  #: its sensitivity to v
    c_mV: Potential  #: v after a spike
    d_mV_per_ms: Potential  #: increase of u per spike
    v_peak_mV: Potential  #: a spike is sent above it (30 in the paper)
    drive_mV_per_ms: PositiveGain  #: g, the drive caused by an input of 1 through a weight of 1
    surrogate: str
    slope: PositiveGain  #: of the surrogate, per mV
    tau_backward_ms: TimeMs  #: time constant of the membrane in the backward pass
    input_gain: Gain
    recurrent_gain: Gain


class IzhikevichState(NamedTuple):
    z: Tensor  #: [B, H] spikes of the last step
    v: Tensor  #: [B, H] membrane potential, mV
    u: Tensor  #: [B, H] recovery variable, mV/ms


@cells.register("izhikevich")
class Izhikevich(Cell):
    """H neurons, all-to-all recurrent; a spike through a weight w adds g w to the drive of one step.

    The explicit Euler scheme of the paper's program, with v in two half steps and u after it; a neuron spikes above the peak
    (there: at or above it). It starts at v = c and u = b c, as there.

    In the backward pass, two derivatives are replaced: that of the spike by its surrogate, and that of a half step of v with
    respect to v by 1 - dt / (2 tau_backward), a leaky membrane. The true one, 1 + dt (0.04 v + 2.5), exceeds 1 during every
    upstroke, and gradients grow beyond 10^18 within 64 steps. The spike in the reset is detached.
    """

    Card = IzhikevichCard
    title = "recurrent Izhikevich"
    output_signal = "spikes"
    needs = capabilities("membranes", "quadratic membranes")
    nir_why_not = f"its membrane is quadratic, for which NIR has no node; {CLOSEST_IN_NIR}"
    equations = (
        "I_t = W_in x_t + W_rec z_{t-1};   v' = 0.04 v^2 + 5 v + 140 - u + g I_t, in two steps of dt/2 from v_{t-1};\n"
        "u' = u_{t-1} + dt a (b v' - u_{t-1});   z_t = [v' > v_peak];\n"
        "v_t = c where z_t = 1, else v';   u_t = u' + d z_t;\n"
        "backward, dv/dv of a half step is 1 - dt / (2 tau_backward)"
    )
    sources = ("izhikevich2003", "neftci2019")
    example: ClassVar = {
        "a_per_ms": 0.02, "b_per_ms": 0.2, "c_mV": -65.0, "d_mV_per_ms": 8.0, "v_peak_mV": 30.0, "drive_mV_per_ms": 20.0,
        "tau_backward_ms": 10.0,
    }  # fmt: skip
    start_fields = ("v",)
    card: IzhikevichCard

    def __init__(self, card: IzhikevichCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size))
        self.spike: SpikeFunction = surrogates[card.surrogate](card.slope)

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)
        draw_normal(self.w_rec, self.card.recurrent_gain, generator)

    def initial_state(self, batch: int) -> IzhikevichState:
        zero = self._zeros(batch)
        return IzhikevichState(zero, zero + self.card.c_mV, zero + self.card.b_per_ms * self.card.c_mV)

    def step(self, state: IzhikevichState, x: Tensor) -> tuple[Tensor, IzhikevichState]:
        card, v = self.card, state.v
        half = 0.5 * card.dt_ms
        drive = nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        drive = card.drive_mV_per_ms * drive + (140.0 - state.u)
        for _ in range(2):
            now = v.detach()
            v = now + half * ((0.04 * now + 5.0) * now + drive) + (1 - half / card.tau_backward_ms) * (v - now)
        u = state.u + (card.dt_ms * card.a_per_ms) * (card.b_per_ms * v - state.u)
        z = self.spike(v - card.v_peak_mV)
        spent = z.detach()
        return z, IzhikevichState(z, (1 - spent) * v + spent * card.c_mV, u + spent * card.d_mV_per_ms)

    def event_form(self) -> EventForm | str:
        return "its potential takes two half steps per step, but event networks have one Euler step for all variables"

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen else H),
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=ELEMENTWISE_PER_UNIT * H,
            nonlinearities=0,
            state_values=2 * H,
            tape_values=4 * H,  # v before each half step and after both, z
        )
