"""Recurrent leaky integrate-and-fire neurons with current-based synapses (Norse's step, hard reset)."""

from typing import Any, ClassVar, NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.numbers import Gain, PositiveGain, Potential, TimeMs
from neurorec.models.cell import Cell, CellCard, Eligibility, StepOperations, TraceOperations, cells, draw_normal
from neurorec.models.cells.reset import RESET_EQUATIONS, Reset, ResetName, resets
from neurorec.models.cells.surrogate import SpikeFunction, surrogates
from neurorec.models.cells.time_constant import LEARNED_EQUATION, LEARNED_SOURCES, TimeConstant
from neurorec.models.forms import EventForm, NeuronModel, NorseForm

ELEMENTWISE_PER_UNIT = 5
"""A step, before any reset; u: 2 additions, 1 multiplication; i: 1 multiplication; 1 threshold comparison."""
STATE_PER_UNIT = 2  #: u and i
CLOSEST_IN_NIR = "the closest export is a network of LIF neurons with constant thresholds, trained as such"
CURRENT_BASED = NeuronModel(
    equations="dv/dt = (v_leak - v + current) / tau_mem : 1\ndcurrent/dt = -current / tau_syn : 1",
    fires="v > v_threshold",
    reset="v = v_reset",
    jump="current_post += w",
)  #: the step below with reset "zero", as event equations


class MembraneCard(CellCard):
    """Card keys of every spiking cell with a membrane and a synaptic current."""

    dt_ms: TimeMs
    tau_mem_ms: TimeMs
    tau_syn_ms: TimeMs
    v_threshold: Potential
    v_leak: Potential
    v_reset: Potential
    reset: ResetName
    surrogate: str
    slope: PositiveGain
    input_gain: Gain

    @model_validator(mode="after")
    def _steps_are_short_enough(self) -> Self:
        check_euler(self)
        return self


class SpikingCard(MembraneCard):
    recurrent_gain: Gain


def check_euler(card: Any) -> None:
    """Raises ValueError if a step is longer than a time constant, because forward Euler then overshoots."""
    for name in type(card).model_fields:
        if name.startswith("tau_") and name.endswith("_ms") and getattr(card, name) < card.dt_ms:
            raise ValueError(
                f"{name} must be at least dt_ms ({card.dt_ms:g}), or forward Euler overshoots (got {getattr(card, name):g})"
            )


def check_learnable(card: Any) -> None:
    """Raises ValueError if a time constant to learn does not start above dt, because a learned rate dt/tau is below one."""
    for name in type(card).model_fields if card.learn_time_constants else ():
        if name.startswith("tau_") and name.endswith("_ms") and getattr(card, name) <= card.dt_ms:
            raise ValueError(
                f"{name} must be longer than dt_ms ({card.dt_ms:g}) to be learned (got {getattr(card, name):g})"
            )


class LIFCard(SpikingCard):
    learn_time_constants: bool  #: whether tau_mem and tau_syn (and tau_adapt) are learned, one value per neuron

    @model_validator(mode="after")
    def _time_constants_can_be_learned(self) -> Self:
        check_learnable(self)
        return self


def current_based(card: Any, model: NeuronModel, w_in: Tensor, w_rec: Tensor, **more: Any) -> EventForm | str:
    """The event form of `model` with the card's numbers, or why samples cannot be presented to it."""
    if card.v_leak >= card.v_threshold:
        return (
            f"v_leak {card.v_leak:g} must be below v_threshold {card.v_threshold:g}, or neurons spike before the next sample "
            "arrives"
        )
    return EventForm(
        card.dt_ms, model, w_in, w_rec, times_ms={"tau_mem": card.tau_mem_ms, "tau_syn": card.tau_syn_ms},
        numbers={"v_leak": card.v_leak, "v_reset": card.v_reset, "v_threshold": card.v_threshold},
        at_rest={"v": card.v_leak}, **more,
    )  # fmt: skip


def norse_values(cell: "LIF") -> dict[str, float | Tensor]:
    """Parameters of Norse's LIF and LSNN steps, for time steps of 1, with rates instead of time constants."""
    card = cell.card
    return {
        "tau_mem_inv": cell.tau_mem.rate, "tau_syn_inv": cell.tau_syn.rate, "v_leak": card.v_leak,
        "v_th": card.v_threshold, "v_reset": card.v_reset,
    }  # fmt: skip


class LIFState(NamedTuple):
    z: Tensor  #: [B, H] spikes of the last step, which recurrence feeds back
    v: Tensor  #: [B, H] membrane potential
    i: Tensor  #: [B, H] synaptic current


class LIFTraces(NamedTuple):
    """Derivatives of the state of neuron j with respect to the weight of its synapse ji, through j's own past."""

    current: Tensor  #: [B, 1, L] of i, the same for every neuron that receives the line
    potential: Tensor  #: [B, H, L] of u, in units of dt/tau_mem; [B, 1, L] where spikes do not clear it
    kept: Tensor | float  #: [B, H, 1] share of it that remains after the reset


@cells.register("lif")
class LIF(Cell):
    """H leaky integrate-and-fire neurons, all-to-all recurrent.

    The synaptic jump acts before the membrane update; the recurrent spikes are those of the previous step; the spike in the
    reset is detached from the gradient. With the reset "zero" this is exactly `norse.torch.functional.lif_step`.
    """

    Card: ClassVar[type[MembraneCard]] = LIFCard
    title = "recurrent LIF"
    output_signal = "spikes"
    needs = capabilities("membranes")
    nir_why_not = ""
    equations = (
        "j_t = i_{t-1} + W_in x_t + W_rec z_{t-1};   u_t = v_{t-1} + dt/tau_mem (v_leak - v_{t-1} + j_t);\n"
        "z_t = [u_t > v_threshold];   i_t = j_t - dt/tau_syn j_t;\n"
        f"reset {RESET_EQUATIONS}, with threshold = v_threshold;\n{LEARNED_EQUATION}"
    )
    sources = ("norse", *LEARNED_SOURCES)
    start_fields = ("v",)
    card: Any
    w_rec: Any  #: None where the card has no recurrent_gain

    def __init__(self, card: MembraneCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))
        self.w_rec = nn.Parameter(torch.zeros(card.size, card.size)) if isinstance(card, SpikingCard) else None
        self.spike: SpikeFunction = surrogates[card.surrogate](card.slope)
        self.reset: Reset = resets[card.reset](card.v_reset)
        self.tau_mem, self.tau_syn = self._time_constant(card.tau_mem_ms), self._time_constant(card.tau_syn_ms)

    @property
    def learns_time_constants(self) -> bool:
        return getattr(self.card, "learn_time_constants", False)

    @property
    def trains_recurrence(self) -> bool:
        return self.w_rec is not None and self.w_rec.requires_grad

    def _time_constant(self, tau_ms: float) -> TimeConstant:
        return TimeConstant(self.card.dt_ms, tau_ms, self.size, self.learns_time_constants)

    @classmethod
    def sources_of(cls, card: CellCard) -> tuple[str, ...]:
        unused = () if getattr(card, "learn_time_constants", False) else LEARNED_SOURCES
        return tuple(key for key in cls.sources if key not in unused)

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)
        if self.w_rec is not None:
            draw_normal(self.w_rec, self.card.recurrent_gain, generator)

    def initial_state(self, batch: int) -> LIFState:
        zero = self._zeros(batch)
        return LIFState(z=zero, v=zero + self.card.v_leak, i=zero)

    def _before_reset(self, state: LIFState, x: Tensor) -> tuple[Tensor, Tensor]:
        jump = state.i + nn.functional.linear(x, self.w_in)
        if self.w_rec is not None:
            jump = jump + nn.functional.linear(state.z, self.w_rec)
        return jump, state.v + self.tau_mem.rate * ((self.card.v_leak - state.v) + jump)

    def step(self, state: LIFState, x: Tensor) -> tuple[Tensor, LIFState]:
        jump, u = self._before_reset(state, x)
        i = jump + -self.tau_syn.rate * jump
        z = self.spike(u - self.card.v_threshold)
        v = self.reset(u, z.detach(), self.card.v_threshold)
        return z, LIFState(z, v, i)

    def start_traces(self, batch: int) -> LIFTraces:
        lines = self.input_size + (self.size if self.trains_recurrence else 0)
        zero = self.w_in.new_zeros(batch, self.size, lines, requires_grad=False)
        return LIFTraces(zero[:, :1].clone(), zero if self.reset.clears else zero[:, :1].clone(), 1.0)

    def traced_step(
        self, state: LIFState, traces: LIFTraces, x: Tensor
    ) -> tuple[Tensor, LIFState, Eligibility, LIFTraces]:
        """One step with eligibilities: output, next state, eligibility of each synapse for this step's spike, next traces
        (which overwrite the old ones).

        di' = (1 - dt/tau_syn) (di + x);  du = (1 - dt/tau_mem) dv + di + x;  e = psi dt/tau_mem du;  dv' as v', z given
        """
        jump, u = self._before_reset(state, x)
        z = self.spike(u - self.card.v_threshold)
        psi = self.spike.derivative(u - self.card.v_threshold) * self.tau_mem.rate
        heard = traces.current.add_(self._lines(state.z, x))
        du = traces.potential.mul_((1 - self.tau_mem.rate) * traces.kept).add_(heard)
        v, i = self.reset(u, z, self.card.v_threshold), jump + -self.tau_syn.rate * jump
        after = LIFTraces(heard.mul_(1 - self.tau_syn.rate), du, self._kept(z))
        return z, LIFState(z, v, i), Eligibility(psi[:, :, None], du), after

    def _kept(self, z: Tensor) -> Tensor | float:
        """Share of each neuron's potential trace that remains after the reset: [B, H, 1], or one number."""
        return self.reset.kept(z[:, :, None])

    def _lines(self, z: Tensor, x: Tensor) -> Tensor:
        """The input of the trained synapses of every neuron: [B, 1, L]."""
        return (torch.cat([x, z], 1) if self.trains_recurrence else x)[:, None]

    def trace_operations(self) -> TraceOperations:
        """Cost of `traced_step`; du is computed per line where a spike does not change it."""
        return TraceOperations(per_line=2, per_synapse=3) if self.reset.clears else TraceOperations(4, 1)

    def event_form(self) -> EventForm | str:
        if self.card.reset != "zero":
            return f'its reset is "{self.card.reset}", but the event equations support only "zero"'
        if self.learns_time_constants:
            return "its neurons learn individual time constants, but the event equations have one for all"
        return current_based(self.card, CURRENT_BASED, self.w_in, self._w_rec_or_zero())

    def norse_form(self) -> NorseForm | str:
        if self.card.reset != "zero":
            return f'its reset is "{self.card.reset}", but Norse\'s recurrent steps support only "zero"'
        weights = (self.w_in, self._w_rec_or_zero())
        return NorseForm("lif.lif_step", "LIFParameters", norse_values(self), weights, self.spike)

    def _w_rec_or_zero(self) -> Tensor:
        return self.w_in.new_zeros(self.size, self.size) if self.w_rec is None else self.w_rec

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [] if self.w_rec is None else [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=self._dense(self.input_size, H),
            recurrent_fan_out=self._dense(H, 0 if self.recurrent_frozen or self.w_rec is None else H),
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=(ELEMENTWISE_PER_UNIT + self.reset.elementwise) * H,
            nonlinearities=0,
            state_values=STATE_PER_UNIT * H,
            tape_values=(4 if self.learns_time_constants else 2) * H,  # u, z; the factors of the two learned rates
        )
