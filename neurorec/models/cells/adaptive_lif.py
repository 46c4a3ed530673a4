"""Adaptive LIF neurons (LSNN): the threshold rises with every spike and relaxes slowly (Bellec et al. 2018)."""

from typing import NamedTuple

from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import PositiveGain, TimeMs
from neurorec.models.cell import Eligibility, StepOperations, TraceOperations, cells
from neurorec.models.cells.lif import CLOSEST_IN_NIR, LIF, LIFCard, norse_values
from neurorec.models.cells.reset import RESET_EQUATIONS
from neurorec.models.cells.time_constant import LEARNED_EQUATION, LEARNED_SOURCES
from neurorec.models.forms import NorseForm


class AdaptiveCard(LIFCard):
    tau_adapt_ms: TimeMs
    adaptation: PositiveGain  #: increase of the threshold per spike, in units of v
    threshold_gradient: bool = False
    """Whether the spike that raises the threshold has its surrogate derivative, so that gradients reach far back along it."""


class AdaptiveLIFState(NamedTuple):
    z: Tensor  #: [B, H] spikes of the last step
    v: Tensor  #: [B, H] membrane potential
    i: Tensor  #: [B, H] synaptic current
    b: Tensor  #: [B, H] momentary threshold


class AdaptiveLIFTraces(NamedTuple):
    """As `LIFTraces`, plus that of the threshold."""

    current: Tensor  #: [B, 1, L] of i
    potential: Tensor  #: [B, H, L] of u, in units of dt/tau_mem
    threshold: Tensor  #: [B, H, L] of b, in units of dt/tau_mem
    kept: Tensor | float  #: [B, H, 1] share of the potential's trace that remains after the reset


@cells.register("adaptive_lif")
class AdaptiveLIF(LIF):
    """LIF whose threshold b adapts. The membrane reads the current of the previous step; the spike that raises b is detached,
    unless the card sets threshold_gradient. With the reset "zero" and without it, this is exactly
    `norse.torch.functional.lsnn_step`, with the time constant set explicitly (Norse's default adapts over 800 s)."""

    Card = AdaptiveCard
    title = "adaptive LIF"
    needs = capabilities("membranes", "adaptive thresholds")
    nir_why_not = (
        f"its threshold changes with its spikes, but all thresholds in standard NIR are constant; {CLOSEST_IN_NIR}"
    )
    equations = (
        "u_t = v_{t-1} + dt/tau_mem (v_leak - v_{t-1} + i_{t-1});\n"
        "i_t = i_{t-1} - dt/tau_syn i_{t-1} + W_in x_t + W_rec z_{t-1};\n"
        "c_t = b_{t-1} + dt/tau_adapt (v_threshold - b_{t-1});   z_t = [u_t > c_t];\n"
        "b_t = c_t + adaptation z_t;\n"
        f"reset {RESET_EQUATIONS}, with threshold = c_t;\n{LEARNED_EQUATION}"
    )
    sources = ("norse", "bellec2018", *LEARNED_SOURCES)
    card: AdaptiveCard

    def __init__(self, card: AdaptiveCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.tau_adapt = self._time_constant(card.tau_adapt_ms)

    def initial_state(self, batch: int) -> AdaptiveLIFState:
        zero = self._zeros(batch)
        return AdaptiveLIFState(z=zero, v=zero + self.card.v_leak, i=zero, b=zero + self.card.v_threshold)

    def step(self, state: AdaptiveLIFState, x: Tensor) -> tuple[Tensor, AdaptiveLIFState]:
        u = state.v + self.tau_mem.rate * ((self.card.v_leak - state.v) + state.i)
        i = state.i + -self.tau_syn.rate * state.i
        b = state.b + self.tau_adapt.rate * (self.card.v_threshold - state.b)
        z = self.spike(u - b)
        v = self.reset(u, z.detach(), b)
        i = i + nn.functional.linear(x, self.w_in) + nn.functional.linear(state.z, self.w_rec)
        b = b + (z if self.card.threshold_gradient else z.detach()) * self.card.adaptation
        return z, AdaptiveLIFState(z, v, i, b)

    def start_traces(self, batch: int) -> AdaptiveLIFTraces:
        current = super().start_traces(batch).current
        return AdaptiveLIFTraces(current, current.repeat(1, self.size, 1), current.repeat(1, self.size, 1), 1.0)

    def traced_step(
        self, state: AdaptiveLIFState, traces: AdaptiveLIFTraces, x: Tensor
    ) -> tuple[Tensor, AdaptiveLIFState, Eligibility, AdaptiveLIFTraces]:
        """As for `lif`, and also through the threshold. The spike that raises b always has its surrogate derivative here,
        as in `step` with threshold_gradient: this is the slow trace with which e-prop bridges long delays.

        du = (1 - dt/tau_mem) dv + di;  di' = (1 - dt/tau_syn) di + x;  dc = (1 - dt/tau_adapt) db;
        e = psi dt/tau_mem (du - dc);  db' = dc + adaptation tau_mem/dt e
        """
        z, after = self.step(state, x)
        # u and c before the spike, by the same operations as in `step`
        u = state.v + self.tau_mem.rate * ((self.card.v_leak - state.v) + state.i)
        c = state.b + self.tau_adapt.rate * (self.card.v_threshold - state.b)
        psi = self.spike.derivative(u - c)[:, :, None] * self.tau_mem.rate
        du = traces.potential.mul_((1 - self.tau_mem.rate) * traces.kept).add_(traces.current)
        dc = traces.threshold.mul_(1 - self.tau_adapt.rate)
        above = du - dc
        if not self.reset.clears:
            du.addcmul_(z[:, :, None], dc, value=-1)
        dc.addcmul_(psi, above, value=self.card.adaptation * (self.card.tau_mem_ms / self.card.dt_ms))
        current = traces.current.mul_(1 - self.tau_syn.rate).add_(self._lines(state.z, x))
        return z, after, Eligibility(psi, above), AdaptiveLIFTraces(current, du, dc, self._kept(z))

    def trace_operations(self) -> TraceOperations:
        return TraceOperations(per_line=2, per_synapse=7 if self.reset.clears else 9)

    def norse_form(self) -> NorseForm | str:
        plain = super().norse_form()
        if isinstance(plain, str):
            return plain
        if self.card.threshold_gradient:
            return "its threshold passes gradients on, but Norse detaches the spike that raises it"
        adaptive = {**norse_values(self), "tau_adapt_inv": self.tau_adapt.rate, "beta": self.card.adaptation}
        return NorseForm("lsnn.lsnn_step", "LSNNParameters", adaptive, plain.weights, plain.spike)

    def operations(self) -> StepOperations:
        plain, H = super().operations(), self.size
        return StepOperations(
            input_fan_out=plain.input_fan_out,
            recurrent_fan_out=plain.recurrent_fan_out,
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=plain.elementwise + 4 * H,  # b: 2 additions, 1 multiplication, and its increase
            nonlinearities=0,
            state_values=3 * H,
            tape_values=(6 if self.learns_time_constants else 3) * H,  # u, b, z; the factors of the three learned rates
        )
