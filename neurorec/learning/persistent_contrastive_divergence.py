"""Persistent contrastive divergence: chains continue between updates instead of restarting from data (Tieleman 2008)."""

from dataclasses import replace
from typing import Any

import torch

from neurorec.basics.numbers import Count
from neurorec.learning.contrastive_divergence import Chains, ContrastiveDivergence, ContrastiveDivergenceCard
from neurorec.learning.rule import rules
from neurorec.tasks.objective import Objective


class PersistentContrastiveDivergenceCard(ContrastiveDivergenceCard):
    chains: Count


@rules.register("persistent_contrastive_divergence")
class PersistentContrastiveDivergence(ContrastiveDivergence):
    """PCD-k. If the weights change slowly, the chains sample from nearly the model's own distribution."""

    Card = PersistentContrastiveDivergenceCard
    title = "persistent contrastive divergence"
    sources = ("tieleman2008",)
    equations = (
        "w_ij += rate (<v_i p(h_j = 1 | v)>_data - <v_i p(h_j = 1 | v)>_chains) / T, biases alike;\n"
        "<>_chains: after k more sweeps of chains that are never restarted"
    )
    card: PersistentContrastiveDivergenceCard

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> Chains:
        start = super().init(model, engine, objective, generator)
        levels = torch.tensor(model.levels(), device=next(model.parameters()).device)
        drawn = torch.randint(2, (self.card.chains, model.size), generator=generator)
        return replace(start, states=levels[drawn.to(levels.device)])
