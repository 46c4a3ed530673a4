"""What is trained: half of a pair, fully defined by its card, or the user's own model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from neurorec.basics.cards import check_card
from neurorec.basics.errors import InputError
from neurorec.basics.registry import look_up
from neurorec.learning.rule import Rule, TrainingCard, rules
from neurorec.models.energy.model import EnergyModel
from neurorec.models.network import Network
from neurorec.models.own import own_network
from neurorec.tasks.encoders import Encoder, EncoderCard, NoEncoder, encoders
from neurorec.tasks.task import Task, tasks
from neurorec.training.pairs import LoadedHalf

Settings = Mapping[str, Any] | None


class Subject(Protocol):
    @property
    def pair(self) -> str: ...
    @property
    def half(self) -> str: ...
    @property
    def encoder(self) -> Encoder: ...
    def training(self, name: str, rule: type[Rule], task: Task, settings: Settings) -> TrainingCard: ...
    def build(self, task: Task, generator: torch.Generator) -> Any: ...


def subject_of(model: Any, encoder: Encoder | Mapping[str, Any] | None) -> Subject:
    """Raises `InputError` for an object that cannot be trained."""
    if isinstance(encoder, Mapping):
        kind = look_up(encoder, encoders, "encoder")
        encoder = kind(check_card(dict(encoder), kind.Card, "encoder"))
    if isinstance(model, LoadedHalf):
        if encoder is not None:
            raise InputError("half of a pair has its own encoder; omit `encoder`")
        return CardSubject(model)
    if isinstance(model, nn.Module):
        return OwnSubject(model, encoder or NoEncoder(EncoderCard(name="none")))
    raise InputError(
        f"train needs half of a pair (nr.load_pair(...).spiking) or a torch module (got {type(model).__name__})"
    )


@dataclass(frozen=True)
class CardSubject:
    """Half of a pair."""

    loaded: LoadedHalf

    @property
    def pair(self) -> str:
        return self.loaded.pair

    @property
    def half(self) -> str:
        return self.loaded.half

    @property
    def encoder(self) -> Encoder:
        return self.loaded.encoder

    def training(self, name: str, rule: type[Rule], task: Task, settings: Settings) -> TrainingCard:
        if settings is None and name in rules and task.name in tasks:
            return self.loaded.training(name, task.name)
        where = f"pair {self.pair}, {self.half} half"
        lacks = f'training for task "{task.name}"' if name in rules else f"training by {name}"
        return _settings(name, rule, task, settings, f"{where}: the card has no {lacks}")

    def build(self, task: Task, generator: torch.Generator) -> Any:
        return self.loaded.build(task.inputs, task.outputs, generator)


@dataclass(frozen=True)
class OwnSubject:
    """The user's own model, trained in place from its current weights."""

    model: nn.Module
    encoder: Encoder
    pair: str = "own"

    @property
    def half(self) -> str:
        signal = getattr(self.model, "output_signal", "values")  # for a cell
        return "spiking" if signal == "spikes" or getattr(self.model, "spikes", False) else "rate"

    def training(self, name: str, rule: type[Rule], task: Task, settings: Settings) -> TrainingCard:
        return _settings(name, rule, task, settings, "your own model has no card")

    def build(self, task: Task, generator: torch.Generator) -> Any:
        network: Any = self.model
        if not isinstance(network, Network | EnergyModel):
            network = own_network(self.model, task.inputs, task.outputs, self.encoder.signal, generator)
        if isinstance(network, Network):
            inputs, outputs = network.input_size, network[network.output].size
        else:
            inputs, outputs = network.visible, 1 if task.objective.of_density else network.visible
        for what, has, needs in (("inputs", inputs, task.inputs), ("outputs", outputs, task.outputs)):
            if has != needs:
                raise InputError(
                    f"task {task.name} has {needs} {what}, but the network has {has}; build it for this task"
                )
        return network


def find_rule(rule: str | type[Rule]) -> tuple[str, type[Rule]]:
    """Name and class of a rule given as either. Raises `InputError` for anything else."""
    if isinstance(rule, str):
        return rule, rules[rule]
    if isinstance(rule, type) and issubclass(rule, Rule):
        return rules.name_of(rule) or rule.__name__, rule
    raise InputError(f"rule must be a registered name or a Rule class (got {rule!r}); names: {', '.join(rules)}")


def _settings(name: str, rule: type[Rule], task: Task, settings: Settings, lacks: str) -> TrainingCard:
    """The settings, checked; without any, `lacks` says why they are required."""
    if settings is None:
        keys = ", ".join(key for key in rule.Card.model_fields if key not in ("rule", "task"))
        raise InputError(f"{lacks}; give settings = {{...}} with the keys of {name}: {keys}")
    return check_card({**settings, "rule": name, "task": task.name}, rule.Card, f"settings of {name}")
