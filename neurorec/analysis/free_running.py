"""A network that predicts the next symbol writes on its own: what it predicts is drawn and becomes its next input."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, TextSamples
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count
from neurorec.basics.seeds import torch_generator
from neurorec.engines.engine import choose_engine
from neurorec.models.network import Network
from neurorec.tasks.batch import frame_means
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.machine import Machine
from neurorec.tasks.objectives.next_symbol import NextSymbol
from neurorec.tasks.task import Task

SHOWN = 12  #: samples on the page


@analyses.register("free_running")
class FreeRunning(RunAnalysis):
    """The first symbols come from the test split, the others are drawn from softmax(output / temperature)."""

    class Settings(Card):
        temperature: Annotated[float, Field(gt=0, le=100)]
        samples: Count
        prompt: Count  #: symbols given
        length: Count  #: symbols written at most; a legal string ends where nothing may follow

    about = "What a network writes when its own predictions, drawn at random, become its inputs"
    sources = ("wichert_rnn",)
    example: ClassVar = {"temperature": 1.0, "samples": 20, "prompt": 1, "length": 30}
    gives: ClassVar = {
        "legal strings": Value("share of samples that are whole strings of the task's grammar", "", True),
        "different": Value("share of samples that differ from all before"),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        if reason is not None:
            return reason
        return None if isinstance(task.objective, NextSymbol) else "the task is not to predict the next symbol"

    def run(self, network: Network, task: EncodedTask, settings: Settings, seed: int) -> Found:  # type: ignore[override]
        machine: Machine | None = getattr(task.frames, "machine", None)
        drawn = write(network, task, settings, torch_generator(seed, "free running"))
        names = machine.outputs if machine is not None else [f"{k} " for k in range(task.outputs)]
        pieces = ["".join(names[symbol] for symbol in sample) for sample in drawn.T.tolist()]
        legal = float("nan")
        if machine is not None:
            pieces = [ended(piece, machine) for piece in pieces]
            legal = sum(whole(piece, machine) for piece in pieces) / len(pieces)
        values = {"legal strings": legal, "different": len(set(pieces)) / len(pieces)}
        about = (
            f"The first {settings.prompt} of each sample given, the rest drawn at temperature {settings.temperature:g}."
        )
        return Found(values, (TextSamples(f"Written by the network ({task.name})", about, pieces[:SHOWN]),))


@torch.no_grad()
def write(network: Network, task: EncodedTask, settings: FreeRunning.Settings, generator: torch.Generator) -> Tensor:
    """Symbols [prompt + length, samples]."""
    given = task.frames.split("test").x.argmax(2)[: settings.prompt]
    symbols = given[:, torch.arange(settings.samples) % given.shape[1]]
    engine, state = choose_engine("auto", network), network.initial_state(settings.samples)
    found, heard = [symbols], symbols
    for _ in range(settings.length):
        x = torch.nn.functional.one_hot(heard, task.inputs).to(next(network.parameters()))
        seen = engine.run(network, task.encoder.encode(x, generator), state=state)
        state, y = seen.state, frame_means(seen.outputs, task.encoder.steps_per_frame)[-1].cpu()
        heard = torch.multinomial((y / settings.temperature).softmax(1), 1, generator=generator).T
        found.append(heard)
    return torch.cat(found)


def ended(piece: str, machine: Machine) -> str:
    """The piece up to its first symbol that the machine does not read from where it is (the last of a string, or a mistake)."""
    state: int | None = 0
    for at, symbol in enumerate(piece):
        state = machine.after([machine.symbols.index(symbol)], state) if symbol in machine.symbols else None
        if state is None:
            return piece[: at + 1]
    return piece


def whole(piece: str, machine: Machine) -> bool:
    """Whether an `ended` piece is a whole string: its last symbol may follow, and nothing may follow it."""
    state = machine.after([machine.symbols.index(symbol) for symbol in piece[:-1]])
    label = None if state is None else machine.labels[state]
    legal = label is not None and bool(label >> machine.outputs.index(piece[-1]) & 1)
    return legal and (
        piece[-1] not in machine.symbols or machine.after([machine.symbols.index(piece[-1])], state) is None
    )
