"""Feed-forward LIF neurons, for spiking networks whose recurrence is in their wires."""

from typing import Self

from pydantic import model_validator

from neurorec.models.cell import cells
from neurorec.models.cells.lif import LIF, MembraneCard, check_learnable


class FeedforwardLIFCard(MembraneCard):
    learn_time_constants: bool  #: whether tau_mem and tau_syn are learned, one value per neuron

    @model_validator(mode="after")
    def _time_constants_can_be_learned(self) -> Self:
        check_learnable(self)
        return self


@cells.register("feedforward_lif")
class FeedforwardLIF(LIF):
    """H LIF neurons that hear only their wires: `lif` without W_rec."""

    Card = FeedforwardLIFCard
    title = "feed-forward LIF"
    nir_why_not = ""
    equations = LIF.equations.replace(" + W_rec z_{t-1}", "")
