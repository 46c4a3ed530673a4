"""A pair card with every table checked: cell, readout, encoder and each training, before anything runs."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import neurorec.learning
import neurorec.models
import neurorec.tasks  # noqa: F401  (these three register their members)
from neurorec.basics.cards import check_card
from neurorec.basics.errors import CannotRun, InputError
from neurorec.learning.rule import TrainingCard, rules
from neurorec.models.cell import CellCard
from neurorec.models.network import Network, build_network
from neurorec.models.pair import Half, Pair, read_pair
from neurorec.models.readout import LinearCard
from neurorec.tasks.encoders import Encoder, encoders
from neurorec.tasks.task import tasks


@dataclass(frozen=True)
class LoadedHalf:
    """One network of a pair, ready to build, and the trainings its card states."""

    pair: str
    half: str
    cell: CellCard
    readout: LinearCard
    encoder: Encoder
    trainings: tuple[TrainingCard, ...]

    def build(self, inputs: int, outputs: int, generator: torch.Generator) -> Network:
        return build_network(self.cell, self.readout, inputs, outputs, self.encoder.signal, generator)

    def training(self, rule: str, task: str) -> TrainingCard:
        """The training table for `rule` on `task`.

        Raises
        ------
        InputError
            If the card has no such table, with those it has.
        """
        for training in self.trainings:
            if (training.rule, training.task) == (rule, task):
                return training
        for registry, name in ((rules, rule), (tasks, task)):
            registry[name]  # an unknown name says so first
        stated = ", ".join(f"{training.rule} on {training.task}" for training in self.trainings)
        raise InputError(
            f"pair {self.pair}, {self.half} half: the card states no training by {rule} on {task}; "
            f"it states: {stated}. Add a [[training]] table to a copy of the card"
        )


@dataclass(frozen=True)
class LoadedPair:
    name: str
    path: Path
    card: Pair
    rate: LoadedHalf
    spiking: LoadedHalf

    @property
    def halves(self) -> tuple[LoadedHalf, LoadedHalf]:
        return self.rate, self.spiking


def load_pair(name: str | Path) -> LoadedPair:
    """The pair `name` (from the catalogue, or a path to a card).

    Raises
    ------
    InputError
        For anything unknown, missing or impossible in the card.
    CannotRun
        If a stated rule cannot train the stated network.
    """
    path, card = read_pair(name)
    rate = _load_half(path, "rate", card.rate)
    spiking = _load_half(path, "spiking", card.spiking)
    return LoadedPair(path.stem, path, card, rate, spiking)


def _load_half(path: Path, half_name: str, half: Half) -> LoadedHalf:
    where = f"{path.name}: {half_name}"
    encoder_class = _look_up(half.encoder, encoders, f"{where}.encoder", "name")
    encoder = encoder_class(check_card(half.encoder, encoder_class.Card, f"{where}.encoder"))
    loaded = LoadedHalf(path.stem, half_name, half.cell_card(where), half.readout_card(where), encoder, ())
    _check_time_steps(loaded, where)
    probe = loaded.build(1, 1, torch.Generator().manual_seed(0))
    trainings = []
    for number, table in enumerate(half.training):
        here = f"{where}.training[{number}]"
        rule = _look_up(table, rules, here, "rule")
        _look_up(table, tasks, here, "task")
        try:
            rule.check(probe)  # before its settings: whoever names the wrong rule need not complete its table
        except CannotRun as error:
            raise CannotRun(f"{where}: {error}") from None
        trainings.append(check_card(table, rule.Card, here))
    return replace(loaded, trainings=tuple(trainings))


def _look_up(table: dict[str, Any], registry: Any, where: str, key: str) -> Any:
    if key not in table:
        raise InputError(f'{where}: the key "{key}" is missing; known: {", ".join(registry)}')
    try:
        return registry[table[key]]
    except InputError as error:
        raise InputError(f"{where}.{key}: {error}") from None


def _check_time_steps(half: LoadedHalf, where: str) -> None:
    """Cell, readout and encoder must step time alike."""
    steps = {
        part: card.dt_ms  # type: ignore[attr-defined]
        for part, card in (("cell", half.cell), ("readout", half.readout), ("encoder", half.encoder.card))
        if hasattr(card, "dt_ms")
    }
    if len(set(steps.values())) > 1:
        said = ", ".join(f"{part}.dt_ms = {dt:g}" for part, dt in steps.items())
        raise InputError(f"{where}: the parts step time differently ({said}); give them one dt_ms")
