"""The user's own models: a cell gets a linear readout; any other torch module becomes the only layer of a network."""

import copy
import warnings
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
    """A torch module from [T, B, I] to [T, B, O], treated as a rate-based layer whose individual steps are not observable.

    Its cost is not declared but measured by torch's FLOP counter over as many steps as it last ran: matrix products and
    convolutions are counted; states, tape and elementwise operations are not.
    """

    title = "own module"
    output_signal = "values"
    equations = "y = module(x), x [T, B, I] to y [T, B, O]"
    nir_why_not = "torch modules of your own are not exported; the closest export is a spiking network of the same size"
    sources = ()

    def __init__(self, module: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.module, self.input_size, self.size = module, inputs, outputs
        self.title = type(module).__name__  # type: ignore[misc]
        self.card, self.last_steps = None, PROBE_STEPS
        x = torch.zeros(PROBE_STEPS, 1, inputs, device=next((p.device for p in self.parameters()), None))
        mode = module.training
        try:
            with torch.no_grad():
                y = _outputs(module.eval()(x))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise InputError(f"module {self.title} cannot take x [T, B, I] = {list(x.shape)}: {error}") from error
        finally:
            module.train(mode)
        if not isinstance(y, Tensor) or y.shape != (PROBE_STEPS, 1, outputs):
            came = list(y.shape) if isinstance(y, Tensor) else type(y).__name__
            raise InputError(
                f"module {self.title}: x [T, B, I] = {list(x.shape)} must give y [T, B, O] = [{PROBE_STEPS}, 1, {outputs}] "
                f"(got {came})"
            )

    def reset_parameters(self, generator: torch.Generator) -> None:
        """The module keeps its weights."""

    def initial_state(self, batch: int) -> tuple[()]:
        return ()

    def step(self, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        raise CannotRun(f"module {self.title} cannot be run step by step; write it as a Cell to feed its output back")

    def forward(self, x: Tensor, state: Any = None, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        self.last_steps = max(1, len(x))
        y = _outputs(self.module(x))
        if lengths is not None:
            y = torch.where(torch.arange(len(y), device=y.device)[:, None, None] < lengths[:, None], y, 0)
        return y, ()

    def operations(self) -> StepOperations:
        return StepOperations(
            input_fan_out=self._dense(self.input_size, 0),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=self.size,
            elementwise=0,
            nonlinearities=0,
            state_values=0,
            tape_values=0,
            macs=flops(self.module, torch.zeros(self.last_steps, 1, self.input_size)) // (2 * self.last_steps),
            counted_by="FLOP counter",
        )


def _outputs(returned: Any) -> Any:
    """torch.nn.LSTM and similar modules return (outputs, state)."""
    return returned[0] if isinstance(returned, tuple) and returned else returned


def flops(module: nn.Module, x: Tensor) -> int:
    """Floating-point operations of module(x), according to torch's counter.

    It counts matrix products and convolutions; oneDNN is switched off because it would hide those of an LSTM.
    """
    plain = copy.deepcopy(module).cpu().eval()
    with warnings.catch_warnings(), FlopCounterMode(display=False) as counter, torch.no_grad():
        warnings.simplefilter("ignore")  # about switching oneDNN
        with torch.backends.mkldnn.flags(enabled=False):
            plain(x)
    return counter.get_total_flops()


def own_network(
    model: nn.Module, inputs: int, outputs: int, input_signal: Signal, generator: torch.Generator
) -> Network:
    """A network made of a cell, which gets a linear readout with weights from `generator`, or of any torch module, which
    is its own output and keeps its weights."""
    if not isinstance(model, Cell):
        layer = OwnModule(model, inputs, outputs)
        return Network({MODULE: layer}, (Wire(INPUT, MODULE),), input_signal, inputs, MODULE)
    network = chain(model, LinearReadout(ReadoutCard(name="linear"), model.size, outputs), input_signal)
    network.reset_parameters(generator)
    return network
