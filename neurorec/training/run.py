"""The result of a training: the model and everything observed about it."""

from dataclasses import dataclass, field
from typing import Any

from neurorec.basics.errors import InputError
from neurorec.engines.activity import Activity
from neurorec.learning.rule import Judgement, Rule
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.task import Task


@dataclass(repr=False)
class Run:
    """A trained model and everything observed about it.

    scores: the task's metric per split; extra_scores: further metrics per split. `activity` was counted on the whole
    test split, in one pass.
    """

    network: Any  #: a `Network`, or an `EnergyModel`
    pair: str
    half: str
    rule: str
    rule_title: str
    task: Task
    seed: int
    engine: str
    device: str
    encoder: Encoder
    scores: dict[str, float]
    extra_scores: dict[str, dict[str, float]]
    history: list[dict[str, float]]
    activity: Activity
    judgements: tuple[Judgement, ...]
    method: type[Rule]
    training: dict[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    health: tuple[str, ...] = ()  #: what the health checks found, one sentence each

    def __repr__(self) -> str:
        on = f"{self.pair} ({self.half}), {self.rule_title} on {self.task.name}, seed {self.seed}"
        return f"Run({on}: test {self.metric} {self.test_score:.3f})"

    @property
    def metric(self) -> str:
        return self.task.objective.metric

    @property
    def test_score(self) -> float:
        return self.scores["test"]

    @property
    def test_accuracy(self) -> float:
        """Raises `InputError` if the task has another metric."""
        if self.metric != "accuracy":
            raise InputError(f"task {self.task.name} is scored by {self.metric}, not by accuracy; use run.test_score")
        return self.scores["test"]
