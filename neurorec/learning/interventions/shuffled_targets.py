"""Objection: every answer needs its target."""

from dataclasses import replace
from typing import Any

import torch

from neurorec.learning.intervention import Intervention, interventions
from neurorec.learning.rule import Rule


@interventions.register("shuffled targets")
class ShuffledTargets(Intervention):
    """Within each batch, samples are given each other's targets, which then say nothing about them. A readout that is fitted
    after learning still gets the right ones."""

    objection = "target outputs"
    about = "while it learns, samples of a batch are given each other's targets"

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        return "it learns from rewards, not from targets" if rule.signal == "reward" else None

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        class Shuffled(rule):  # type: ignore[misc,valid-type]
            def init(self, model, engine, objective, generator):
                self.draws = torch.Generator().manual_seed(generator.initial_seed())
                return super().init(model, engine, objective, generator)

            def step(self, model, state, batch):
                if batch.target is not None:
                    order = torch.randperm(batch.size, generator=self.draws).to(batch.target.device)
                    target = batch.target[:, order] if batch.per_frame else batch.target[order]
                    batch = replace(batch, target=target)
                return super().step(model, state, batch)

        return Shuffled
