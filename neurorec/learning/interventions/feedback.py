"""Objection: weights of the forward paths. Feedback weights are replaced by random ones, or do not follow the forward ones."""

from typing import Any

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.learning.intervention import Intervention, interventions
from neurorec.learning.rule import Rule, network_why_not

FORWARD = "weights of the forward paths"


class Feedback(Intervention):
    """Replaces what synapses see as feedback weights, layer by layer. What only passes a signal on is not a weight: the
    identity, by which a unit hears its own error, and ones, by which all units hear the same number."""

    objection = FORWARD

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        if "feedback weights" not in rule.sees or "whole graph" in rule.sees:
            return "it has no feedback weights of its own"
        return network_why_not(model)

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        """The feedback weights of the whole training, from those of its first step."""
        raise NotImplementedError

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        instead, kept = cls.instead, dict[tuple[str, torch.Size], Tensor]()
        draws, several = torch.Generator(), False

        class Replaced(rule):  # type: ignore[misc,valid-type]
            def init(self, model, engine, objective, generator):
                nonlocal several
                draws.manual_seed(generator.initial_seed())
                several = len(getattr(model, "hidden", ())) > 1
                return super().init(model, engine, objective, generator)

            @classmethod
            def seen(cls, weight, at="", **shown):
                feedback = shown.get("feedback")
                if isinstance(feedback, Tensor) and not passes_on(feedback):
                    if several and not at:
                        raise CannotRun(
                            f"rule {rule.title}: `changed` does not say to which of several layers the feedback weights "
                            "belong, so they cannot be replaced; pass at=NAME, the name of the layer"
                        )
                    key = at, feedback.shape
                    if key not in kept:
                        kept[key] = instead(feedback.detach().clone(), draws)
                    shown["feedback"] = kept[key]
                return super().seen(weight, at, **shown)

        return Replaced


def passes_on(feedback: Tensor) -> bool:
    M, H = feedback.shape
    own = M == H and torch.equal(feedback, torch.eye(M).to(feedback))
    return own or (M == 1 and bool((feedback == 1).all()))


@interventions.register("random feedback")
class RandomFeedback(Feedback):
    about = "feedback weights are random numbers of the same size, drawn once"

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        return torch.randn(first.shape, generator=draws).to(first) * first.square().mean().sqrt()


@interventions.register("frozen feedback")
class FrozenFeedback(Feedback):
    about = "feedback weights keep the values that they had in the first step"

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        return first
