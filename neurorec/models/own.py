"""Models of the user's own: a cell gets a linear readout; any other torch module becomes the only layer of a network."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from neurorec.basics.errors import CannotRun, InputError
from neurorec.models.cell import Cell
from neurorec.models.layer import Layer, Signal, StepOperations
from neurorec.models.network import Network, chain
from neurorec.models.readout import LinearReadout, ReadoutCard
from neurorec.models.wires import INPUT, Wire

MODULE = "module"
PROBE_STEPS = 2


class OwnModule(Layer):
    """A torch module from [T, B, I] to [T, B, O], as a rate-based layer whose steps nobody sees.

    What it costs is measured by torch's FLOP counter, not declared: its multiply-accumulates are known, its states, its tape
    and its elementwise work are not.
    """

    title = "own module"
    output_signal = "values"
    equations = "y = module(x), x [T, B, I] to y [T, B, O]"
    sources = ()

    def __init__(self, module: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.module, self.input_size, self.size = module, inputs, outputs
        self.title = type(module).__name__  # type: ignore[misc]
        self.card = None
        with torch.no_grad():
            y = self(torch.zeros(PROBE_STEPS, 1, inputs, device=self._device()))[0]
        if y.shape != (PROBE_STEPS, 1, outputs):
            raise InputError(
                f"module {self.title}: x [T, B, I] = [{PROBE_STEPS}, 1, {inputs}] must give y [T, B, O] = [{PROBE_STEPS}, 1, "
                f"{outputs}] (got {list(y.shape)})"
            )

    def _device(self) -> torch.device:
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """The module keeps the weights that it has."""

    def initial_state(self, batch: int) -> tuple[()]:
        return ()

    def step(self, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        raise CannotRun(f"module {self.title} cannot be run step by step; write it as a Cell to feed its output back")

    def forward(self, x: Tensor, state: Any = None, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        y = self.module(x)
        y = y[0] if isinstance(y, tuple) else y  # torch.nn.RNN and its kin give (outputs, state)
        if lengths is not None:
            y = torch.where(torch.arange(len(y), device=y.device)[:, None, None] < lengths[:, None], y, 0)
        return y, ()

    def operations(self) -> StepOperations:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self(torch.zeros(PROBE_STEPS, 1, self.input_size, device=self._device()))
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 0),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=self.size,
            elementwise=0,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
            macs=counter.get_total_flops() // (2 * PROBE_STEPS),
            counted_by="FLOP counter",
        )


def own_network(
    model: nn.Module, inputs: int, outputs: int, input_signal: Signal, generator: torch.Generator
) -> Network:
    """A network around a cell (with a linear readout) or around any torch module (which answers by itself)."""
    if isinstance(model, Cell):
        readout = LinearReadout(ReadoutCard(name="linear"), model.size, outputs)
        readout.reset_parameters(generator)
        return chain(model, readout, input_signal)
    layer = OwnModule(model, inputs, outputs)
    return Network({MODULE: layer}, (Wire(INPUT, MODULE),), input_signal, inputs, MODULE)
