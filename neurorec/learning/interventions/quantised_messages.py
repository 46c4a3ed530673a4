"""Objection: real values between neurons."""

from typing import Any

import torch
from torch import Tensor

from neurorec.learning.intervention import Intervention, hears_signals, interventions
from neurorec.learning.rule import Rule


@interventions.register("quantised messages")
class QuantisedMessages(Intervention):
    """Teaching signals are rounded at random to -1, 0 or 1, times their largest size, so that their mean is unchanged."""

    objection = "real values between neurons"
    about = "teaching signals are rounded to -1, 0 or 1, times their largest size in the batch; at random, without bias"

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        return hears_signals(rule)

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        generator = torch.Generator().manual_seed(0)  # belongs to one training

        class Quantised(rule):  # type: ignore[misc,valid-type]
            @classmethod
            def seen(cls, weight, at="", **shown):
                if isinstance(signal := shown.get("modulator"), Tensor):
                    shown["modulator"] = three_values(signal, generator)
                return super().seen(weight, at, **shown)

        return Quantised


def three_values(signal: Tensor, generator: torch.Generator) -> Tensor:
    """-s, 0 or s, where s is the largest size of all: each value x becomes sign(x) s with probability |x| / s, so that its
    mean is x. Rounding to the nearest instead would be biased: nine small errors of one sign, whose sum cancels a large one,
    would all grow or all vanish."""
    scale = signal.abs().max()
    drawn = torch.rand(signal.shape, generator=generator, dtype=torch.float64).to(signal)
    return torch.where(drawn * scale < signal.abs(), signal.sign() * scale, 0.0)
