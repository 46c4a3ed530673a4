"""A readout without weights: units of the network are themselves its output."""

import torch
from torch import Tensor, nn

from neurorec.models.layer import Layer, StepOperations
from neurorec.models.readout import Readout, ReadoutCard, ReadoutState, readouts


@readouts.register("units")
class UnitsReadout(Readout):
    """The first O units that it hears are the output, so that targets are desired activities of those units; all others are
    hidden ("Learning in recurrent networks"). The task's mask says which steps count: the last, the last few, or all."""

    title = "units as outputs"
    equations = "y_t = h_t of the first O units"
    sources = ("hinton_rnn",)
    trained = False
    nothing: Tensor  #: knows the device and the type

    def __init__(self, card: ReadoutCard, input_size: int, size: int) -> None:
        Layer.__init__(self)
        self.card, self.input_size, self.size = card, input_size, size
        self.register_buffer("nothing", torch.zeros(0), persistent=False)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        return torch.eye(self.size, self.input_size).to(self.nothing)

    @property
    def bias(self) -> Tensor:  # type: ignore[override]
        return self.nothing.new_zeros(self.size)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """It has none."""

    def input_weights(self) -> nn.Parameter | None:
        return None

    def initial_state(self, batch: int) -> ReadoutState:
        return ReadoutState(self.nothing.new_zeros(batch, self.size))

    def step(self, state: ReadoutState, x: Tensor) -> tuple[Tensor, ReadoutState]:
        y = x[..., : self.size]
        return y, ReadoutState(y)

    def operations(self) -> StepOperations:
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 0),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=0,
            elementwise=0,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
        )
