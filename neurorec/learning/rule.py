"""The contract of a learning rule, and the six objections to backpropagation by which it is judged."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch

from neurorec.basics.capabilities import UNDECLARED, capabilities
from neurorec.basics.cards import Card
from neurorec.basics.counts import ForwardPass, LayerCounts, Phase, Store, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.basics.numbers import Count, Distinct, Penalty, Repeats
from neurorec.basics.registry import Registry
from neurorec.engines.event_engine import EventEngine
from neurorec.learning.synapses import Synapses
from neurorec.models.layer import Layer
from neurorec.models.network import Network
from neurorec.tasks.objective import Objective, Teaching
from neurorec.tasks.task import Batch, Task

rules: Registry[type["Rule"]] = Registry("rule")

#: What backpropagation does and brains do not, in the order of the lecture's table.
OBJECTIONS: tuple[str, ...] = (
    "only linear operations backward",
    "derivatives of the forward nonlinearities",
    "weights of the forward paths",
    "precisely clocked phases",
    "real values between neurons",
    "target outputs",
)
Stance = Literal["relaxed", "partly", "kept"]
STANCES: dict[Stance, str] = {"relaxed": "avoided", "partly": "partly avoided", "kept": "still applies"}
#: What a rule learns from; errors are the derivatives of the loss with respect to the outputs.
TAUGHT: dict[Teaching, str] = {
    "none": "inputs", "reward": "rewards", "outputs": "target outputs", "errors": "errors of the outputs",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """Whether a rule avoids what one objection names, and why; `STANCES` says it in words."""

    stance: Stance
    why: str


Seen = Literal["pre", "post", "modulator", "feedback weights", "whole graph"]


@dataclass(frozen=True)
class Messages:
    """Messages between the parts of a network that a rule requires, besides the forward spikes or values.

    errors : every part that received a unit's output returns one real number per step
    errors_at_spikes : it returns only for spikes, one number per spike and part, instead of in every step
    signals : real numbers broadcast to every part in every step: one per output, or a single one
    derivatives : every unit sends, with its output, its derivatives with respect to all trained numbers
    online : weights change while a sample runs, so samples are processed one by one and cannot share a batch
    """

    errors: bool
    signals: Literal["none", "outputs", "one"]
    online: bool
    why: str
    sources: tuple[str, ...]
    errors_at_spikes: bool = False
    derivatives: bool = False


class TrainingCard(Card):
    """One training in a pair card: rule, task and settings."""

    rule: str
    task: str
    epochs: Repeats
    batch_size: Count
    count_readout_penalties: Distinct[Penalty] | None = None
    """If given: after training, the readout is refitted by ridge regression on the layer's mean activity (spike counts), with
    these candidate penalties, so that networks trained by different rules are read out alike."""


@dataclass(frozen=True)
class Info:
    """Report of one step of a rule: its loss, if it has one, its number of weight changes, and what else it `reports`."""

    loss: float | None
    updates: int
    more: Mapping[str, int] = field(default_factory=dict)


class Rule(ABC):
    """How weights change. State in, state out: `init` creates the rule's state, `step` changes the network with one batch.

    Batches are in steps (already encoded). `finish` runs once at the end (closed-form rules solve there).
    """

    Card: ClassVar[type[TrainingCard]] = TrainingCard
    title: ClassVar[str]
    sources: ClassVar[tuple[str, ...]]
    equations: ClassVar[str]
    signal: ClassVar[Teaching]  #: what it learns from, besides its inputs
    sees: ClassVar[tuple[Seen, ...]] = ()  #: what the change of one weight depends on; empty: not declared
    reaches: ClassVar[str] = ""  #: how its signal reaches synapses, if not as a modulator that they see
    needs: ClassVar[frozenset[str]] = capabilities(UNDECLARED)  #: capabilities that a chip must offer to train by it
    messages: ClassVar[Messages | None] = None  #: messages that parts of one network would have to exchange
    interventions: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Interventions that the rule implements itself: the settings of its card for each."""
    relative_time: ClassVar[float] = 1.0  #: approximate duration relative to backpropagation; the longest start first
    spikes_cause_updates: ClassVar[bool] = False  #: whether fewer spikes mean fewer weight changes
    recurrent_frozen_control: ClassVar[bool] = False  #: whether frozen recurrent weights are a meaningful control
    whole_split: ClassVar[bool] = False  #: whether `step` takes the whole training split as one batch
    in_parts: ClassVar[bool] = False  #: whether `step` and `finish` also take `InParts`: samples encoded when read
    readout_only: ClassVar[bool] = False  #: whether hidden layers keep their initial weights
    read_by_labels: ClassVar[bool] = False  #: whether units are labelled after learning, for scoring
    order_free: ClassVar[bool] = False  #: whether the order of samples in a batch affects only rounding
    adds_tied_gradients: ClassVar[bool] = False  #: whether it can train tied weights (`models/constraints.py`)
    learns_start: ClassVar[bool] = False  #: whether it can learn the initial state of layers
    scored_each_epoch: ClassVar[bool] = False  #: whether the network can be scored after every epoch
    reports: ClassVar[
        tuple[str, ...]
    ] = ()  #: further numbers in `Info.more`, added up and given to `count_training` by name

    def __init__(self, card: TrainingCard, event_engine: str = "auto") -> None:
        self.card, self.event_engine = card, event_engine

    @classmethod
    def title_for(cls, model: Any) -> str:
        """The rule's title when it trains `model`."""
        return cls.title

    def titled(self, model: Any) -> str:
        """The title of this training: as `title_for`, and what distinguishes its settings."""
        return self.title_for(model)

    def engine_name(self, engine: Any) -> str:
        """The engine that ran the training, for the record; a rule with its own simulator returns that name."""
        return engine.title

    def event_engine_for(self, model: Any) -> EventEngine | None:
        """The event engine, for rules whose weights change at spikes; None for all other rules."""
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
            return f"it needs samples of equal length, but those of task {task.name} differ; use bptt or ridge"
        if getattr(task, "start", None) is not None and not cls.learns_start:
            return f"it starts every sample from rest, but those of task {task.name} give initial states; use bptt"
        if cls.read_by_labels and not objective.labelled:
            return (
                "it learns without targets, and its units are then labelled by class, which needs one label per sample; the "
                f"objective of task {task.name} has none"
            )
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        """One judgement per objection, for this rule on this model; empty for a rule that was not judged."""
        return ()

    def judged(self, model: Any) -> tuple[Judgement, ...]:
        """`judgements` of the rule with the settings of its card, for rules whose settings make a difference."""
        return self.judgements(model)

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """Exact counts of training `model` on `samples_seen` samples, from observed forward passes.

        Activity during training is not observed: forward passes are those of the observed samples, scaled to
        `samples_seen`. The loss itself (a softmax over the outputs, once per sample) is not counted.

        Parameters
        ----------
        weight_updates : updates reported by the rule: optimiser steps, or single weights changed

        Raises
        ------
        CannotRun
            If the rule does not define it.
        """
        raise CannotRun(
            f"rule {cls.title} does not define the cost of its training; define {cls.__name__}.count_training"
        )

    @classmethod
    def counted(
        cls, forward: ForwardPass, samples_seen: int, backward: LayerCounts, update: LayerCounts, stores: tuple[Store, ...],
        updates: int = 0, numbers: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """Counts of a training in three phases; the first is the observed forward pass, scaled to `samples_seen`."""
        phases: dict[Phase, LayerCounts] = {
            "forward": forward.over(samples_seen, forward.layers),
            "backward": backward,
            "update": update,
        }
        return TrainingCounts(cls.title, samples_seen, phases, stores, updates, numbers)

    @abstractmethod
    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> Any:
        """The rule's state before the first step; `engine` runs the model, `objective` defines the loss."""

    @abstractmethod
    def step(self, model: Any, state: Any, batch: Batch) -> tuple[Any, Info]:
        """Change the weights of `model` with one batch (x [T, B, I] in steps)."""

    @classmethod
    def as_shown(cls, batch: Batch, objective: Objective) -> Batch:
        """The batch as `step` and `finish` get it: without targets if the rule learns from rewards."""
        return objective.without_targets(batch) if cls.signal == "reward" else batch

    @staticmethod
    def change(synapses: Synapses) -> torch.Tensor:
        """For local rules: the change of each weight [H, L] of one projection, from what its synapses see. A rule that does not
        see the whole graph changes weights only through this function, which `changed` calls."""
        raise NotImplementedError

    @classmethod
    def changed(cls, weight: torch.Tensor, at: str = "", **shown: torch.Tensor | float) -> torch.Tensor:
        """`change` for the synapses with this weight [H, L], which see no more of what is `shown` (pre, post, modulator,
        feedback) than the rule declares; `at`: their layer."""
        return cls.change(cls.seen(weight, at, **shown))

    @classmethod
    def seen(cls, weight: torch.Tensor, at: str = "", **shown: torch.Tensor | float) -> Synapses:
        """What the synapses of the layer `at` see. Interventions replace it."""
        return Synapses(cls, weight, **shown)

    def finish(self, model: Any, state: Any, validation: Batch) -> Mapping[str, float]:
        """Complete the training after all batches; may choose settings on `validation`, and returns what it chose."""
        return {}

    @classmethod
    def _why_not_options(cls, model: Any) -> str | None:
        if not isinstance(model, Network):
            return None
        if model.constraints.tied and not cls.adds_tied_gradients:
            return "it has tied weights, but this rule changes every weight by itself; use bptt"
        if any(layer.learned_start for _, layer in model.named_layers()) and not cls.learns_start:
            return "its initial state is learned, but this rule changes only weights; remove learn_start, or use bptt"
        return None

    @classmethod
    def check(cls, model: Any, task: Task | None = None) -> None:
        """Raises `CannotRun` if this rule cannot train `model`, or cannot learn `task`."""
        reason = cls.why_not(model) or cls._why_not_options(model)
        if reason is not None:
            raise CannotRun(f"rule {cls.title} cannot train {model.title}: {reason}")
        if task is not None and (reason := cls.why_not_task(task)) is not None:
            raise CannotRun(f"rule {cls.title} cannot learn task {task.name}: {reason}")


def network_why_not(model: Any, layers: int | None = None, by_steps: bool = True) -> str | None:
    """For rules that train only networks, or only those with `layers` hidden layers, or (`by_steps`) only those whose steps
    follow each other: why `model` is not one, or None."""
    if not isinstance(model, Network):
        return "it trains networks of layers, which this is not"
    if by_steps and model.not_by_steps:
        return f"it follows time step by step, but this network {model.not_by_steps}; use bptt"
    if layers is not None and len(model.hidden) != layers:
        return (
            f"it trains networks with {layers} hidden layer{'s' * (layers > 1)}, but this one has {len(model.hidden)}"
        )
    return None


def hidden_layer(network: Network) -> Layer:
    """The hidden layer of a network that has only one."""
    (layer,) = network.hidden.values()
    return layer
