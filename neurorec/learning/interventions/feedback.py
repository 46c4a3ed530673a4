"""Objection: weights of the forward paths. Feedback weights are replaced by random ones, or do not follow the forward ones."""

from typing import Any

import torch
from torch import Tensor

from neurorec.learning.intervention import Intervention, interventions
from neurorec.learning.rule import Rule, network_why_not

FORWARD = "weights of the forward paths"


class Feedback(Intervention):
    """Replaces what `changed` shows as feedback weights. The identity is not a weight: a unit hears its own error."""

    objection = FORWARD

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        if "feedback weights" not in rule.sees or "whole graph" in rule.sees:
            return "it has no feedback weights of its own"
        return network_why_not(model, layers=1)

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        """The feedback weights of the whole training, from those of its first step."""
        raise NotImplementedError

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        instead, kept = cls.instead, dict[torch.Size, Tensor]()
        draws = torch.Generator()

        class Replaced(rule):  # type: ignore[misc,valid-type]
            def init(self, model, engine, objective, generator):
                draws.manual_seed(generator.initial_seed())
                return super().init(model, engine, objective, generator)

            @classmethod
            def changed(cls, weight, **shown):
                feedback = shown.get("feedback")
                if isinstance(feedback, Tensor) and not is_identity(feedback):
                    if feedback.shape not in kept:
                        kept[feedback.shape] = instead(feedback.detach().clone(), draws)
                    shown["feedback"] = kept[feedback.shape]
                return super().changed(weight, **shown)

        return Replaced


def is_identity(feedback: Tensor) -> bool:
    M, H = feedback.shape
    return M == H and torch.equal(feedback, torch.eye(M).to(feedback))


@interventions.register("random feedback")
class RandomFeedback(Feedback):
    about = "feedback weights are random numbers of the same size, drawn once"

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        return torch.randn(first.shape, generator=draws).to(first) * first.square().mean().sqrt()


@interventions.register("frozen feedback")
class FrozenFeedback(Feedback):
    about = "feedback weights stay as they were in the first step"

    @staticmethod
    def instead(first: Tensor, draws: torch.Generator) -> Tensor:
        return first
