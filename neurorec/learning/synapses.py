"""What the synapses of one projection see of the network: only what their rule declares in `sees`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from neurorec.basics.errors import CannotRun

if TYPE_CHECKING:
    from neurorec.learning.rule import Rule


class Synapses:
    """The synapses from L lines to H units, as shown to `Rule.change`. A synapse always sees its own weight.

    Attributes
    ----------
    weight : [H, L]
    pre : what arrived from the lines, or a trace of it: [B, L]; an eligibility trace, one per synapse, is [B, H, L]
    post : what the units did: [B, H]
    modulator : broadcast to all units, a single number or one per output: [B, M]
    feedback : weights [M, H] through which modulators reach a unit; in `sees` they are called "feedback weights"

    Raises
    ------
    CannotRun
        On reading anything that the rule does not declare, or that is not shown to it.
    """

    def __init__(self, rule: type[Rule], weight: Tensor, **shown: Tensor | float) -> None:
        self._rule, self._weight, self._shown = rule, weight, shown

    @property
    def weight(self) -> Tensor:
        return self._weight

    @property
    def pre(self) -> Tensor:
        return self._see("pre", "pre")

    @property
    def post(self) -> Tensor:
        return self._see("post", "post")

    @property
    def modulator(self) -> Tensor:
        return self._see("modulator", "modulator")

    @property
    def feedback(self) -> Tensor:
        return self._see("feedback", "feedback weights")

    def _see(self, name: str, declared: str) -> Tensor:
        rule = self._rule
        if declared not in rule.sees and "whole graph" not in rule.sees:
            raise CannotRun(
                f"rule {rule.title}: `change` reads {name}, but the rule declares that a weight change depends only on "
                f'{" and ".join(rule.sees)}; add "{declared}" to `sees`, or do not read it'
            )
        if name not in self._shown:
            raise CannotRun(
                f"rule {rule.title}: `change` reads {name}, but `changed` was not given any; pass {name}=..."
            )
        return self._shown[name]  # type: ignore[return-value]
