"""A trained network as a machine that reads symbols: what it shows after each, and the state in which each leaves it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from neurorec.analysis.whole_state import flatten
from neurorec.basics.errors import CannotRun
from neurorec.basics.seeds import torch_generator
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.tasks.batch import frame_means
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.machine import Machine
from neurorec.tasks.task import Task

LIKELY = 0.2  #: an output belongs to a set if its probability is above this; two equally likely symbols have 0.5
FRAMES_AT_ONCE = 50


def machine_of(task: Task) -> Machine | None:
    """The automaton that a task (or the task it encodes) declares."""
    return getattr(getattr(task, "frames", task), "machine", None)


class Reader:
    """`network`, trained on `task`, reading strings of symbols given by number. Raises `CannotRun` without an automaton."""

    def __init__(self, network: Network, task: EncodedTask) -> None:
        machine = machine_of(task)
        if machine is None:
            raise CannotRun(
                f"task {task.name}: it declares no automaton, so there are no symbols to read; give it `machine`"
            )
        self.network, self.encoder, self.machine = network, task.encoder, machine
        self.engine = choose_engine("auto", network)
        reference = next(network.parameters())
        self.coding = torch.tensor(machine.coding, device=reference.device, dtype=reference.dtype)
        self.generator = torch_generator(task.seed, "reader")

    @torch.no_grad()
    def labels(self, strings: Tensor) -> Tensor:
        """The label shown after each symbol of strings [N, T]: [N, T]."""
        found = [self._shown(outputs) for outputs, _ in self._run(strings, FRAMES_AT_ONCE)]
        return torch.cat(found).T.cpu()

    @torch.no_grad()
    def states(self, strings: Tensor) -> tuple[Tensor, Tensor]:
        """The labels [N, T], and the states [N, T, D] of all hidden layers at the end of each frame."""
        shown, states = [], []
        for outputs, state in self._run(strings, 1):
            shown.append(self._shown(outputs))
            states.append(flatten(self.hidden(state)))
        return torch.cat(shown).T.cpu(), torch.stack(states, 1).cpu()

    def hidden(self, state: NetworkState) -> NetworkState:
        """Only what the hidden layers and delayed wires carry."""
        return NetworkState({name: state.layers[name] for name in self.network.hidden}, state.delayed)

    def frame(self, symbol: int, count: int = 1) -> Tensor:
        """One frame of a symbol, in steps: [k, count, I]."""
        return self.encoder.encode(self.coding[symbol].expand(1, count, -1), self.generator)

    def _run(self, strings: Tensor, frames: int) -> Iterator[tuple[Tensor, Any]]:
        state = self.network.initial_state(len(strings))
        for part in strings.to(self.coding.device).T.split(frames):
            seen = self.engine.run(self.network, self.encoder.encode(self.coding[part], self.generator), state=state)
            state = seen.state
            yield frame_means(seen.outputs, self.encoder.steps_per_frame), state

    def _shown(self, outputs: Tensor) -> Tensor:
        """Outputs [F, B, O] to labels [F, B]."""
        if not self.machine.sets:
            return outputs.argmax(2)
        values = 2 ** torch.arange(outputs.shape[2], device=outputs.device)
        return ((outputs.softmax(2) > LIKELY) * values).sum(2)


def walks(machine: Machine, count: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random strings that the machine can read, [count, length], and the label after each symbol; -1 after the last that can
    be read."""
    leads = torch.tensor([[-1 if to is None else to for to in row] for row in machine.leads])
    labels = torch.tensor([-1 if label is None else label for label in machine.labels])
    state = torch.zeros(count, dtype=torch.int64)
    symbols, shown = torch.zeros(count, length, dtype=torch.int64), torch.full((count, length), -1)
    for t in range(length):
        possible = (leads[state] >= 0) & (state >= 0)[:, None]
        runs = possible.any(1)
        chance = torch.where(runs[:, None], possible, True).double()
        symbols[:, t] = torch.multinomial(chance, 1, generator=generator)[:, 0]
        state = torch.where(runs, leads[state, symbols[:, t]], -1)
        shown[:, t] = torch.where(runs, labels[state], -1)
    return symbols, shown
