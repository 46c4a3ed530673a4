"""What rules share that store patterns in an energy model: no targets, and every pattern once."""

from typing import Any, Literal

import torch

from neurorec.basics.counts import Counts, LayerCounts, Phase, TrainingCounts
from neurorec.engines.relaxation import UNITS
from neurorec.learning.rule import Rule, TrainingCard
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class StorageCard(TrainingCard):
    epochs: Literal[1]  #: each pattern is stored once


class StorageRule(Rule):
    """A pattern is the initial state given by a sample."""

    Card = StorageCard
    signal = "none"
    relative_time = 0.1
    order_free = True

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if task.objective.offers == ("none",) and task.inputs == task.outputs:
            return None
        return "it stores the inputs themselves, but this task has other targets; use the objective pattern_completion"

    @classmethod
    def counted_update(cls, samples_seen: int, update: Counts) -> TrainingCounts:
        """A training without forward or backward pass: units are set, not updated."""
        nothing = LayerCounts()
        phases: dict[Phase, LayerCounts] = {
            "forward": nothing,
            "backward": nothing,
            "update": LayerCounts({UNITS: update}),
        }
        return TrainingCounts(cls.title, samples_seen, phases, ())

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> None:
        return None
