"""The contract of a learning rule, and the six objections to backpropagation it is judged by."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveInt

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card
from neurorec.basics.counts import ForwardPass, LayerCounts, Phase, Store, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.basics.registry import Registry
from neurorec.engines.event_engine import EventEngine
from neurorec.models.layer import Layer
from neurorec.models.network import Network
from neurorec.tasks.objective import Objective, Teaching
from neurorec.tasks.task import Batch, Task

rules: Registry[type["Rule"]] = Registry("rule")

#: What backpropagation does and a brain does not (the lecture's table), in its order.
OBJECTIONS: tuple[str, ...] = (
    "only linear operations backward",
    "derivatives of the forward nonlinearities",
    "weights of the forward paths",
    "precisely clocked phases",
    "real values between neurons",
    "target outputs",
)
Stance = Literal["relaxed", "partly", "kept"]
TAUGHT: dict[Teaching, str] = {
    "none": "inputs", "reward": "rewards", "outputs": "the outputs that are wanted", "errors": "errors of the outputs",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """Whether a rule still needs what one objection names, and why we say so."""

    stance: Stance
    why: str


Seen = Literal["pre", "post", "modulator", "feedback weights", "whole graph"]


@dataclass(frozen=True)
class Messages:
    """What a rule makes the parts of one network tell each other, beside the forward spikes or values.

    errors : a real number per unit and step goes back from every part that heard the unit
    signals : real numbers that every part hears in every step: one per output, or one alone
    online : weights change while the sample runs, so samples come one by one and cannot share a batch
    """

    errors: bool
    signals: Literal["none", "outputs", "one"]
    online: bool
    why: str
    sources: tuple[str, ...]


class TrainingCard(Card):
    """One training in a pair card: which rule, on which task, with which settings."""

    rule: str
    task: str
    epochs: PositiveInt
    batch_size: PositiveInt
    count_readout_penalties: list[float] | None = None
    """If given: after the training the readout is fitted anew by ridge on the layer's mean activity (spike counts), with
    these candidate penalties; so networks trained by different rules are read alike."""


@dataclass(frozen=True)
class Info:
    """What one step of a rule reports: its loss where it has one, and how many weight changes it made."""

    loss: float | None
    updates: int


class Rule(ABC):
    """How weights change. State in, state out: `init` makes the rule's state, `step` changes the network with one batch.

    A rule sees batches in steps (already encoded). `finish` runs once at the end (closed-form rules solve there).
    """

    Card: ClassVar[type[TrainingCard]] = TrainingCard
    title: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    equations: ClassVar[str]
    signal: ClassVar[Teaching]  #: what it learns from beside its inputs
    sees: ClassVar[tuple[Seen, ...]]  #: what the change of one weight depends on
    needs: ClassVar[frozenset[str]] = capabilities("undeclared")  #: what a chip must offer to train by it
    messages: ClassVar[Messages]  #: what parts of one network would have to tell each other
    relative_time: ClassVar[float] = 1.0  #: how long training takes, about; backpropagation: 1. The longest start first
    spikes_cause_updates: ClassVar[bool] = False  #: whether with fewer spikes fewer weights change
    recurrent_frozen_control: ClassVar[bool] = False  #: whether freezing the recurrent weights is a meaningful control
    whole_split: ClassVar[bool] = False  #: whether `step` wants the whole training split as one batch
    read_by_labels: ClassVar[bool] = False  #: whether its units get labels after learning without, and scores by them
    order_free: ClassVar[bool] = False  #: whether the order of samples within a batch matters to rounding alone
    scored_each_epoch: ClassVar[bool] = False  #: whether the network can be scored after every epoch

    def __init__(self, card: TrainingCard, event_engine: str = "auto") -> None:
        self.card, self.event_engine = card, event_engine

    @classmethod
    def title_for(cls, model: Any) -> str:
        """The rule's name for people when it trains `model`."""
        return cls.title

    def engine_name(self, engine: Any) -> str:
        """What ran the training, for the record; a rule that brings its own simulator names that."""
        return engine.title

    def event_engine_for(self, model: Any) -> EventEngine | None:
        """The event engine that will run a rule whose weights change at spikes; None for all other rules."""
        return None

    @classmethod
    @abstractmethod
    def why_not(cls, model: Any) -> str | None:
        """Why this rule cannot train `model` (a network or an energy model), or None if it can."""

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        """Why this rule cannot learn `task`, or None if it can."""
        objective = task.objective
        if cls.signal not in objective.offers:
            offered = " or ".join(TAUGHT[signal] for signal in objective.offers)
            return f"it learns from {TAUGHT[cls.signal]}, but the task offers only {offered}"
        if cls.whole_split and getattr(task, "lengths", None) is not None:
            return f"it presents samples of one length, and those of task {task.name} differ; use bptt or ridge"
        if cls.read_by_labels and not objective.labelled:
            return (
                "it learns without targets, and what its units stand for is then read by class labels, one per sample; the "
                f"objective of task {task.name} has none"
            )
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        """One judgement for each of OBJECTIONS, for this rule on this model; none for a rule that was not judged."""
        return ()

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Exact counts of training `model` on `samples_seen` samples, given what some forward passes showed.

        Activity during training is not observed: forward passes are those of the observed samples, scaled to the samples
        seen. The loss itself (a softmax over the outputs, once per sample) is not counted.

        Parameters
        ----------
        weight_updates : what the rule reports as updates: optimiser steps, or single weights that were changed

        Raises
        ------
        CannotRun
            If the rule does not say how.
        """
        raise CannotRun(f"rule {cls.title} does not say what its training costs; define {cls.__name__}.count_training")

    @classmethod
    def counted(
        cls, forward: ForwardPass, samples_seen: int, backward: LayerCounts, update: LayerCounts, stores: tuple[Store, ...],
        updates: int = 0, numbers: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """A training of three phases, the first of which is the observed forward pass scaled to the samples seen."""
        phases: dict[Phase, LayerCounts] = {
            "forward": forward.over(samples_seen, forward.layers),
            "backward": backward,
            "update": update,
        }
        return TrainingCounts(cls.title, samples_seen, phases, stores, updates, numbers)

    @abstractmethod
    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> Any:
        """The rule's own state before the first step; `engine` runs the model, `objective` says what a good answer is."""

    @abstractmethod
    def step(self, model: Any, state: Any, batch: Batch) -> tuple[Any, Info]:
        """Change the weights of `model` with one batch (x [T, B, I] in steps)."""

    def finish(self, model: Any, state: Any, validation: Batch) -> Mapping[str, float]:
        """Complete the training once all batches were seen; may choose settings on `validation`, and says what it chose."""
        return {}

    @classmethod
    def check(cls, model: Any, task: Task | None = None) -> None:
        """Raises `CannotRun` if this rule cannot train `model`, or cannot learn `task`."""
        reason = cls.why_not(model)
        if reason is not None:
            raise CannotRun(f"rule {cls.title} cannot train {model.title}: {reason}")
        if task is not None and (reason := cls.why_not_task(task)) is not None:
            raise CannotRun(f"rule {cls.title} cannot learn task {task.name}: {reason}")


def network_why_not(model: Any, layers: int | None = None) -> str | None:
    """For rules that train networks only, or only such with so many hidden layers: why `model` is none, or None."""
    if not isinstance(model, Network):
        return "it trains networks of layers, and this is none"
    if layers is not None and len(model.hidden) != layers:
        return (
            f"it trains networks with {layers} hidden layer{'s' * (layers > 1)}, and this one has {len(model.hidden)}"
        )
    return None


def hidden_layer(network: Network) -> Layer:
    """The hidden layer of a network that has just one."""
    (layer,) = network.hidden.values()
    return layer
