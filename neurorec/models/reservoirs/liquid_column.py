"""A cortical column as a liquid: LIF neurons wired by distance, with dynamic synapses (Maass et al. 2002)."""

from typing import ClassVar, NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count, Gain, OpenShare, PositiveGain, Potential, Share, TimeMs
from neurorec.models.cell import Cell, CellCard, StepOperations, cells
from neurorec.models.cells.dynamic_synapse import ELEMENTWISE, RELEASED, DynamicSynapse
from neurorec.models.cells.lif import check_euler
from neurorec.models.reservoirs.echo_state import synapses_per_line

ELEMENTWISE_PER_UNIT = 11 + 2 * ELEMENTWISE
"""Two currents: 2 additions of what arrives, 2 decays; v: 3 additions, 1 multiplication; 2 comparisons; 1 for the
refractory counter."""

MOST_USED = 0.95  #: U at most: a spike uses most of the resources, but not all
LEAST = 0.05  #: of the mean, U and time constants at least


class PathwayCard(Card):
    """Synapses from neurons of one type to those of another; U and the time constants are means."""

    nearby: Share  #: probability of a synapse at distance 0
    strength_nA: PositiveGain  #: mean size of the current of a synapse with all resources; inhibitory ones subtract it
    use: OpenShare  #: U
    depression_ms: TimeMs
    facilitation_ms: TimeMs


class LiquidColumnCard(CellCard):
    width: Count  #: of the column, in neurons: it is width x width neurons wide, as long as needed
    reach: PositiveGain  #: lambda: synapses exist with probability nearby * exp(-(distance / reach)^2)
    inhibitory_share: OpenShare
    dt_ms: TimeMs
    tau_mem_ms: TimeMs
    tau_exc_ms: TimeMs  #: of excitatory currents
    tau_inh_ms: TimeMs
    rest_exc_ms: TimeMs  #: refractory period of excitatory neurons
    rest_inh_ms: TimeMs
    threshold_mV: Potential
    reset_mV: Potential
    background_nA: Potential  #: through 1 MOhm, as all currents
    input_density: Share  #: share of neurons that hear a line
    input_exc_nA: PositiveGain  #: mean current of an input spike into an excitatory neuron
    input_inh_nA: PositiveGain
    spread: Gain  #: standard deviation of U and of the time constants, relative to their means
    EE: PathwayCard  #: from excitatory neurons to excitatory ones
    EI: PathwayCard  #: from excitatory to inhibitory
    IE: PathwayCard
    II: PathwayCard

    @model_validator(mode="after")
    def _steps_are_short_enough(self) -> Self:
        check_euler(self)
        if self.reset_mV >= self.threshold_mV:
            raise ValueError(f"reset_mV must be below threshold_mV ({self.threshold_mV:g}) (got {self.reset_mV:g})")
        return self


class LiquidColumnState(NamedTuple):
    v: Tensor  #: [B, H] membrane potential, mV
    exc: Tensor  #: [B, H] excitatory current, nA
    inh: Tensor  #: [B, H] inhibitory current, nA, negative
    rest: Tensor  #: [B, H] steps until the neuron is no longer refractory
    to_exc: Tensor  #: [B, H] what the last step's spikes deliver to excitatory neurons
    to_inh: Tensor
    facilitation_exc: Tensor  #: [B, H] of the synapses onto excitatory neurons
    resources_exc: Tensor
    facilitation_inh: Tensor
    resources_inh: Tensor


@cells.register("liquid_column")
class LiquidColumn(Cell):
    """H neurons on a lattice, a share of them inhibitory, at random places; nothing in the layer is trained.

    Excitatory neurons have the lowest indices. As in the paper, strengths are exponentially distributed (a gamma distribution
    with a standard deviation of 100 % of its mean), U and the time constants normally. In the paper, every synapse has its own
    U and time constants and a delay of 0.8 or 1.5 ms; here they belong to all synapses of a neuron onto one type of target,
    and delays are one step. Input synapses are static.
    """

    Card = LiquidColumnCard
    title = "liquid column"
    output_signal = "spikes"
    differentiable = False
    needs = capabilities("membranes", "dynamic synapses")
    nir_why_not = "its synapses change with the spikes of their source, for which NIR has no node"
    equations = (
        "e_t = e'_{t-1} + W_in x_t + W_E a_{t-1};   i_t = i'_{t-1} + W_I a_{t-1};   e', i' decay by dt/tau_exc, dt/tau_inh;\n"
        "v_t = v_{t-1} + dt/tau_mem (background - v_{t-1} + e_t + i_t), or reset while refractory;   z_t = [v_t > threshold];\n"
        f"{RELEASED}, separately for excitatory and inhibitory targets"
    )
    sources = ("maass2002", "markram1998")
    example: ClassVar = {
        "width": 2, "reach": 2.0, "inhibitory_share": 0.25, "tau_mem_ms": 10.0, "tau_exc_ms": 3.0, "tau_inh_ms": 6.0,
        "rest_exc_ms": 3.0, "rest_inh_ms": 2.0, "threshold_mV": 15.0, "reset_mV": 13.5, "background_nA": 13.5,
        "input_density": 1.0, "input_exc_nA": 18.0, "input_inh_nA": 9.0, "spread": 0.5,
        "EE": {"nearby": 0.9, "strength_nA": 30.0, "use": 0.5, "depression_ms": 1100.0, "facilitation_ms": 50.0},
        "EI": {"nearby": 0.9, "strength_nA": 60.0, "use": 0.05, "depression_ms": 125.0, "facilitation_ms": 1200.0},
        "IE": {"nearby": 0.9, "strength_nA": 19.0, "use": 0.25, "depression_ms": 700.0, "facilitation_ms": 20.0},
        "II": {"nearby": 0.9, "strength_nA": 19.0, "use": 0.32, "depression_ms": 144.0, "facilitation_ms": 60.0},
    }  # fmt: skip
    card: LiquidColumnCard

    def __init__(self, card: LiquidColumnCard, input_size: int) -> None:
        super().__init__(card, input_size)
        H = card.size
        self.excitatory = H - round(card.inhibitory_share * H)
        self.w_in = nn.Parameter(torch.zeros(H, input_size), requires_grad=False)
        self.w_rec = nn.Parameter(torch.zeros(H, H), requires_grad=False)
        self.onto_exc, self.onto_inh = DynamicSynapse(H, card.dt_ms), DynamicSynapse(H, card.dt_ms)
        kept = (-(-ms // card.dt_ms) for ms in (card.rest_exc_ms, card.rest_inh_ms))
        self.rest_steps = nn.Parameter(self._by_type(*kept), requires_grad=False)

    def _by_type(self, exc: float, inh: float) -> Tensor:
        """[H]: one number for excitatory neurons, another for inhibitory ones."""
        values = torch.full((self.size,), float(exc))
        values[self.excitatory :] = inh
        return values

    def reset_parameters(self, generator: torch.Generator) -> None:
        card, H = self.card, self.size
        places = lattice(H, card.width)[torch.randperm(H, generator=generator)]
        near = torch.exp(-((torch.cdist(places, places) / card.reach) ** 2))

        def exponential(*shape: int) -> Tensor:
            return torch.empty(*shape).exponential_(1.0, generator=generator)

        with torch.no_grad():
            heard = torch.rand(H, self.input_size, generator=generator) < card.input_density
            means = self._by_type(card.input_exc_nA, card.input_inh_nA)
            self.w_in.copy_(exponential(H, self.input_size) * heard * means[:, None])
            for source, target, sign in (("E", "E", 1), ("E", "I", 1), ("I", "E", -1), ("I", "I", -1)):
                pathway: PathwayCard = getattr(card, source + target)
                rows, columns = self._neurons(target), self._neurons(source)
                chance = pathway.nearby * near[rows, columns]
                exists = torch.rand(chance.shape, generator=generator) < chance
                self.w_rec[rows, columns] = sign * pathway.strength_nA * exists * exponential(*chance.shape)
                synapse = self.onto_exc if target == "E" else self.onto_inh
                for name in ("use", "depression_ms", "facilitation_ms"):
                    values = getattr(synapse, name)
                    values[columns] = around(getattr(pathway, name), card.spread, len(values[columns]), generator)
                synapse.use.clamp_(max=MOST_USED)
            self.w_rec.fill_diagonal_(0.0)

    def _neurons(self, kind: str) -> slice:
        return slice(0, self.excitatory) if kind == "E" else slice(self.excitatory, self.size)

    def initial_state(self, batch: int) -> LiquidColumnState:
        zero = self._zeros(batch)
        return LiquidColumnState(
            zero + self.card.reset_mV, zero, zero, zero, zero, zero, zero, zero + 1, zero, zero + 1
        )

    def step(self, state: LiquidColumnState, x: Tensor) -> tuple[Tensor, LiquidColumnState]:
        card, dt = self.card, self.card.dt_ms
        E, linear = self.excitatory, nn.functional.linear
        sent = (state.to_exc, state.to_inh)
        rows = (self.w_rec[:E], self.w_rec[E:])
        from_exc = torch.cat([linear(a[:, :E], w[:, :E]) for a, w in zip(sent, rows, strict=True)], 1)
        from_inh = torch.cat([linear(a[:, E:], w[:, E:]) for a, w in zip(sent, rows, strict=True)], 1)
        exc, inh = state.exc + linear(x, self.w_in) + from_exc, state.inh + from_inh
        u = state.v + dt / card.tau_mem_ms * (card.background_nA - state.v + exc + inh)
        v = torch.where(state.rest > 0, card.reset_mV, u)
        z = (v > card.threshold_mV).to(v.dtype)
        to_exc, *after_exc = self.onto_exc.release(z, state.facilitation_exc, state.resources_exc)
        to_inh, *after_inh = self.onto_inh.release(z, state.facilitation_inh, state.resources_inh)
        rest = torch.where(z > 0, self.rest_steps, (state.rest - 1).clamp_min(0))
        exc, inh = exc - dt / card.tau_exc_ms * exc, inh - dt / card.tau_inh_ms * inh
        v = torch.where(z > 0, card.reset_mV, v)
        return z, LiquidColumnState(v, exc, inh, rest, to_exc, to_inh, *after_exc, *after_inh)

    def recurrent_weights(self) -> list[nn.Parameter]:
        return [self.w_rec]

    def operations(self) -> StepOperations:
        H = self.size
        return StepOperations(
            input_fan_out=synapses_per_line(self.w_in),
            recurrent_fan_out=synapses_per_line(self.w_rec),
            recurrent_signal="spikes",
            neuron_updates=H,
            elementwise=ELEMENTWISE_PER_UNIT * H,
            nonlinearities=0,
            state_values=len(LiquidColumnState._fields) * H,
            tape_values=0,
        )


def lattice(size: int, width: int) -> Tensor:
    """Places [H, 3] of a column that is width x width neurons wide, filled layer by layer."""
    n = torch.arange(size)
    return torch.stack([n % width, n // width % width, n // width**2], 1).double()


def around(mean: float, spread: float, count: int, generator: torch.Generator) -> Tensor:
    """Normal numbers with a standard deviation of `spread` times the mean; those that are not positive are replaced by numbers
    that are uniform up to the mean."""
    drawn = mean * (1 + spread * torch.randn(count, generator=generator))
    others = mean * torch.rand(count, generator=generator)
    return torch.where(drawn > 0, drawn, others).clamp_min(LEAST * mean)
