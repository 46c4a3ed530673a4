"""Objection: real values between neurons."""

from typing import Any

import torch
from torch import Tensor

from neurorec.learning.intervention import Intervention, hears_signals, interventions
from neurorec.learning.rule import Rule


@interventions.register("quantised messages")
class QuantisedMessages(Intervention):
    """Teaching signals take one of three values: -1, 0 or 1, times a common scale."""

    objection = "real values between neurons"
    about = "teaching signals take only the values -1, 0 and 1, times a common scale"

    @classmethod
    def why_not(cls, rule: type[Rule], model: Any) -> str | None:
        return hears_signals(rule)

    @classmethod
    def on(cls, rule: type[Rule]) -> type[Rule]:
        class Quantised(rule):  # type: ignore[misc,valid-type]
            @classmethod
            def seen(cls, weight, at="", **shown):
                if isinstance(signal := shown.get("modulator"), Tensor):
                    shown["modulator"] = three_values(signal)
                return super().seen(weight, at, **shown)

        return Quantised


def three_values(signal: Tensor) -> Tensor:
    """0 for values smaller than half the mean size, else the sign, times the mean size."""
    scale = signal.abs().mean()
    return torch.where(signal.abs() < scale / 2, 0.0, signal.sign() * scale)
