"""Objection: precisely clocked phases."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from neurorec.learning.intervention import Intervention, hears_signals, interventions
from neurorec.learning.rule import Rule

LARGEST_SHIFT = 0.1  #: of the frames of a sample


@interventions.register("desynchronised phases")
class DesynchronisedPhases(Intervention):
    """In every sample and epoch, the period in which it is taught begins up to a tenth of its length too early or too late."""

    objection = "precisely clocked phases"
    about = "the period in which a sample is taught begins up to a tenth of the sample's frames too early or too late"

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        return hears_signals(rule)

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        class Desynchronised(rule):  # type: ignore[misc,valid-type]
            def init(self, model, engine, objective, generator):
                self.draws = torch.Generator().manual_seed(generator.initial_seed())
                return super().init(model, engine, objective, generator)

            def step(self, model, state, batch):
                frames = len(batch.mask) // batch.steps_per_frame
                most = max(1, round(LARGEST_SHIFT * frames))
                shifts = torch.randint(-most, most + 1, (batch.size,), generator=self.draws)
                mask = shifted(batch.mask, shifts * batch.steps_per_frame, batch.size)
                return super().step(model, state, replace(batch, mask=mask))

        return Desynchronised


def shifted(mask: Tensor, shifts: Tensor, samples: int) -> Tensor:
    """The mask [T, B] with each sample's steps later by its shift; a sample that would have none keeps its own."""
    mask = mask if mask.dim() == 2 else mask[:, None].expand(-1, samples)
    steps = torch.arange(len(mask))[:, None] - shifts  # from where
    inside = (steps >= 0) & (steps < len(mask))
    moved = mask.gather(0, steps.clamp(0, len(mask) - 1).to(mask.device)) & inside.to(mask.device)
    return torch.where(moved.any(0), moved, mask)
