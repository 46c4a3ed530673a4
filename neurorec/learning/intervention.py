"""The contract of an intervention: an experiment on one of the six objections to backpropagation.

It removes from training what the objection is about. A rule that avoids the objection is expected to lose little; what a rule
loses shows how much it depends on it. A study requests interventions by name, among its controls.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from neurorec.basics.registry import Registry
from neurorec.learning.rule import Rule

interventions: Registry[type["Intervention"]] = Registry("intervention")


class Intervention(ABC):
    """One experiment. It is stateless: `on` makes a rule whose state, if any, belongs to one training."""

    objection: ClassVar[str]  #: one of `OBJECTIONS`
    about: ClassVar[str]  #: what is done, in one phrase

    @classmethod
    @abstractmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        """Why it cannot be done to `rule` on `model` in general, or None."""

    @classmethod
    @abstractmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        """`rule` with what synapses see, or what a step is given, changed."""


def why_not_intervene(name: str, rule: type[Rule], model: Any) -> str | None:
    """Why it cannot be done to `rule` on `model`, or None. A rule may declare its own way (`Rule.interventions`)."""
    return None if name in rule.interventions else interventions[name].why_not(rule, model)


def intervened(name: str, rule: type[Rule]) -> type[Rule]:
    """`rule` under the intervention, for one training."""
    if name not in rule.interventions:
        return interventions[name].on(rule)
    settings = dict(rule.interventions[name])

    class Declared(rule):  # type: ignore[misc,valid-type]
        def __init__(self, card: Any, event_engine: str = "auto") -> None:
            super().__init__(card.model_copy(update=settings), event_engine)

    return Declared


def hears_signals(rule: type[Rule]) -> str | None:
    """Why the teaching signals of `rule` cannot be intercepted on their way to its synapses, or None."""
    if "whole graph" in rule.sees or not rule.sees:
        return "its errors are computed over the whole graph, so that there are no messages to intercept"
    taught = "modulator" in rule.sees and rule.signal != "none"  # otherwise a modulator only tells phases apart
    return None if taught else "its synapses receive no teaching signal"
