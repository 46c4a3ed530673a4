"""A pair card with every table checked: architecture, encoder and each training, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

import neurorec.learning
import neurorec.models
import neurorec.tasks  # noqa: F401  (these three register their members)
from neurorec.basics.cards import check_card, find_card, read_text
from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.memory_limit import refuse_memory
from neurorec.basics.registry import look_up
from neurorec.learning.rule import TrainingCard, rules
from neurorec.models.architecture import Architecture
from neurorec.models.cell import CellCard
from neurorec.models.pair import Half, Pair, parse_pair
from neurorec.tasks.encoders import Encoder, encoders
from neurorec.tasks.task import tasks

BYTES_PER_WEIGHT = 16  #: a float32 with its gradient and Adam's two moments


@dataclass(frozen=True)
class LoadedHalf:
    """One model of a pair, ready to build, and its trainings."""

    pair: str
    half: str
    architecture: Architecture
    encoder: Encoder
    trainings: tuple[TrainingCard, ...]
    constants: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """By rule and task: what was chosen instead of the constants of the card."""

    def build(self, inputs: int, outputs: int, generator: torch.Generator) -> Any:
        """The model with newly drawn weights: a `Network`, or an `EnergyModel`. Raises `InputError` if memory is too small."""
        self.check_memory(inputs, outputs)
        return self.architecture.build(inputs, outputs, self.encoder.signal, generator)

    def outline(self, inputs: int = 1, outputs: int = 1) -> Any:
        """The model without its numbers (on torch's meta device): its structure and sizes, at no cost in memory."""
        try:
            with torch.device("meta"):
                return self.architecture.build(inputs, outputs, self.encoder.signal, None)
        except (RuntimeError, TypeError):  # a cell of the user's that computes with numbers when it is made
            return self.architecture.build(inputs, outputs, self.encoder.signal, None)

    def check_memory(self, inputs: int = 1, outputs: int = 1) -> None:
        """Raises `InputError` if training would take more memory than there is, for the weights alone."""
        numbers = sum(weight.numel() for weight in self.outline(inputs, outputs).parameters())
        cards = self.architecture.cards
        sizes = [f"{name}.size = {card.size:,}" for name, card in cards.items() if isinstance(card, CellCard)]
        what = f"pair {self.pair}, {self.half} half ({', '.join(sizes) or f'{inputs:,} inputs'}): training {numbers:,} weights"
        refuse_memory(numbers * BYTES_PER_WEIGHT, what, "use smaller layers")

    def training(self, rule: str, task: str) -> TrainingCard:
        """The training table for `rule` on `task`.

        Raises
        ------
        InputError
            If the card has no such table; the message lists those it has.
        """
        for training in self.trainings:
            if (training.rule, training.task) == (rule, task):
                return training
        for registry, name in ((rules, rule), (tasks, task)):
            registry[name]  # raises for an unknown name
        stated = ", ".join(f"{training.rule} on {training.task}" for training in self.trainings)
        raise InputError(
            f"pair {self.pair}, {self.half} half: the card has no training by {rule} on {task}; "
            f"it has: {stated}. Add a [[training]] table to a copy of the card"
        )

    def with_constants(self, rule: str, task: str, constants: Mapping[str, Any]) -> "LoadedHalf":
        """The half whose training by `rule` on `task` has these constants. Raises `InputError` if they are not allowed."""
        before = self.training(rule, task)
        where = f"pair {self.pair}, {self.half} half, {rule} on {task}"
        after = check_card({**before.model_dump(), **constants}, rules[rule].Card, where)
        trainings = tuple(after if training is before else training for training in self.trainings)
        return replace(self, trainings=trainings, constants={**self.constants, (rule, task): dict(constants)})


@dataclass(frozen=True)
class LoadedPair:
    name: str
    path: Path
    text: str  #: of the card, as checked
    card: Pair
    parts: dict[str, LoadedHalf]

    @property
    def rate(self) -> LoadedHalf:
        return self.half("rate")

    @property
    def spiking(self) -> LoadedHalf:
        return self.half("spiking")

    @property
    def halves(self) -> tuple[LoadedHalf, ...]:
        return tuple(self.parts.values())

    def half(self, name: str) -> LoadedHalf:
        """Raises `InputError`, with the card's reason, if there is no such half."""
        if name not in self.parts:
            reason = getattr(self.card, f"no_{name}_half", None) or "the halves are called rate and spiking"
            raise InputError(f"pair {self.name} has no {name} half: {reason}")
        return self.parts[name]


def load_pair(name: str | Path) -> LoadedPair:
    """The pair `name` (from the catalogue, or a path to a card).

    Raises
    ------
    InputError
        For anything unknown, missing or invalid in the card.
    CannotRun
        If a rule cannot train the model.
    """
    path = find_card("models", name)
    return pair_from_text(read_text(path), path)


def pair_from_text(text: str, path: Path) -> LoadedPair:
    """The pair whose card has this text; `path` gives its name, and nothing is read. Raises as `load_pair`."""
    card = parse_pair(text, path)
    halves = {each: _load_half(path, each, half) for each, half in card.halves.items()}
    return LoadedPair(path.stem, path, text, card, halves)


def _load_half(path: Path, half_name: str, half: Half) -> LoadedHalf:
    where = f"{path.name}: {half_name}"
    encoder_class = look_up(half.encoder, encoders, f"{where}.encoder")
    encoder = encoder_class(check_card(half.encoder, encoder_class.Card, f"{where}.encoder"))
    loaded = LoadedHalf(path.stem, half_name, half.architecture(where), encoder, ())
    _check_time_steps(loaded, where)
    loaded.check_memory()
    probe = loaded.outline()
    trainings = []
    for number, table in enumerate(half.training):
        here = f"{where}.training[{number}]"
        rule = look_up(table, rules, here, "rule")
        look_up(table, tasks, here, "task")
        try:
            rule.check(probe)  # before the settings, so that an unsuitable rule is reported first
        except CannotRun as error:
            raise CannotRun(f"{where}: {error}") from None
        trainings.append(check_card(table, rule.Card, here))
    return replace(loaded, trainings=tuple(trainings))


def _check_time_steps(half: LoadedHalf, where: str) -> None:
    """Layers and encoder must have the same time step."""
    parts = {**half.architecture.cards, "encoder": half.encoder.card}
    steps = {part: card.dt_ms for part, card in parts.items() if hasattr(card, "dt_ms")}  # type: ignore[attr-defined]
    if len(set(steps.values())) > 1:
        said = ", ".join(f"{part}.dt_ms = {dt:g}" for part, dt in steps.items())
        raise InputError(f"{where}: the parts have different time steps ({said}); use the same dt_ms for all")
