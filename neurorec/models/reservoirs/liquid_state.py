"""Liquid state machine: a fixed random network of excitatory and inhibitory LIF neurons (Maass et al. 2002)."""

import torch

from neurorec.basics.numbers import OpenShare, PositiveGain, Share
from neurorec.models.cell import StepOperations, cells
from neurorec.models.cells.lif import LIF, SpikingCard
from neurorec.models.cells.time_constant import LEARNED_EQUATION
from neurorec.models.reservoirs.echo_state import synapses_per_line


class LiquidStateCard(SpikingCard):
    excitatory_share: OpenShare  #: of the H neurons; the rest inhibit
    density: Share  #: share of recurrent connections that exist
    input_density: Share  #: share of input connections that exist
    inhibition: PositiveGain  #: ratio of inhibitory to excitatory weights


@cells.register("liquid_state")
class LiquidState(LIF):
    """H LIF neurons that obey Dale's law; nothing in the layer is trained. Weight magnitudes are exponential."""

    Card = LiquidStateCard
    title = "liquid state"
    nir_why_not = ""
    equations = LIF.equations.removesuffix(f";\n{LEARNED_EQUATION}")
    sources = ("maass2002", "norse")
    card: LiquidStateCard

    def __init__(self, card: LiquidStateCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in.requires_grad_(False)
        self.w_rec.requires_grad_(False)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Input weights of both signs; recurrent columns of one sign each. Gains set the mean total drive."""
        card, H = self.card, self.size
        excitatory = round(card.excitatory_share * H)

        def magnitudes(rows: int, columns: int, density: float, gain: float) -> torch.Tensor:
            size = torch.empty(rows, columns).exponential_(1.0, generator=generator)
            exists = torch.rand(rows, columns, generator=generator) < density
            return size * exists * (gain / max(1.0, density * columns) ** 0.5)

        with torch.no_grad():
            sign = (torch.rand(H, self.input_size, generator=generator) < card.excitatory_share).float() * 2 - 1
            self.w_in.copy_(sign * magnitudes(H, self.input_size, card.input_density, card.input_gain))
            weights = magnitudes(H, H, card.density, card.recurrent_gain)
            weights[:, excitatory:] *= -card.inhibition
            weights.fill_diagonal_(0.0)
            self.w_rec.copy_(weights)

    def operations(self) -> StepOperations:
        plain = super().operations()
        return StepOperations(
            input_fan_out=synapses_per_line(self.w_in),
            recurrent_fan_out=synapses_per_line(self.w_rec),
            recurrent_signal="spikes",
            neuron_updates=plain.neuron_updates,
            elementwise=plain.elementwise,
            nonlinearities=0,
            state_values=plain.state_values,
            tape_values=plain.tape_values,
        )
