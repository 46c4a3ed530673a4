"""Annealed importance sampling: log Z of models too large to enumerate (Neal 2001; Salakhutdinov & Murray 2008)."""

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import softplus

from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count, Repeats

if TYPE_CHECKING:
    from neurorec.models.energy.sampling import SamplingModel

RAREST = 0.02  #: chance of a visible unit of the starting distribution to take either level, at the least


class AnnealingCard(Card):
    """How log Z is estimated where states cannot be enumerated."""

    chains: Count
    steps: Repeats  #: of equal size in the inverse temperature, each followed by one sweep


@dataclass(frozen=True)
class LogPartition:
    """log Z; standard error 0 if it is exact."""

    value: float
    standard_error: float = 0.0


@torch.no_grad()
def annealed_log_partition(model: "SamplingModel", card: AnnealingCard, generator: torch.Generator) -> LogPartition:
    """log Z of the states of all units, by chains that start from independent visible units and are annealed to the model.

    Between them, p_k(v) = sum over h of exp(-k E(v, h) / T + (1 - k) a'v) for k from 0 to 1; a weight is the product of the
    ratios p_k+1(v) / p_k(v) on the way, and the mean weight estimates the ratio of the two sums of states. `a` are the log
    odds of visible units in a short run of the model itself. The standard error is that of log(mean weight), to first order.

    model : one whose `log_weight` takes no enumeration of hidden states (see `SamplingModel.annealed`), with units of 0 and 1
    """
    odds = _log_odds(model, card, generator)
    states = torch.zeros(card.chains, model.size, dtype=torch.float64, device=odds.device)
    states[:, : model.visible] = _drawn(torch.sigmoid(odds).expand(card.chains, -1), generator)
    hot = _at(model, 0)
    start = softplus(odds).sum() + hot.log_weight(torch.zeros_like(states[:1, : model.visible]))[0]
    log_weights = torch.zeros(card.chains, dtype=torch.float64, device=odds.device)
    for step in range(1, card.steps + 1):
        k, before, v = step / card.steps, hot, states[:, : model.visible]
        hot = _at(model, k)
        log_weights += hot.log_weight(v) - before.log_weight(v) - v @ odds / card.steps
        for group in model.groups():
            field = hot.field(states, group) / hot.temperature
            if group.stop <= model.visible:
                field = field + (1 - k) * odds[group]
            states[:, group] = _drawn(torch.sigmoid(field), generator)
    spread = (log_weights - log_weights.max()).exp()
    ratio = float(torch.logsumexp(log_weights, 0)) - math.log(card.chains)
    error = float(spread.std() / spread.mean()) / math.sqrt(card.chains) if card.chains > 1 else math.inf
    return LogPartition(float(start) + ratio, error)


def _at(model: "SamplingModel", k: float) -> "SamplingModel":
    """The same weights at the temperature T / k."""
    hot = copy.copy(model)
    hot.temperature = model.temperature / k if k else math.inf
    return hot


def _log_odds(model: "SamplingModel", card: AnnealingCard, generator: torch.Generator) -> Tensor:
    """Of visible units, after a tenth of the sweeps from random states."""
    device = next(model.parameters()).device
    half = torch.full((card.chains, model.size), 0.5, dtype=torch.float64, device=device)
    states = _drawn(half, generator)
    for _ in range(card.steps // 10):
        states = model.sweep(states, generator)
    return torch.logit(states[:, : model.visible].mean(0).clamp(RAREST, 1 - RAREST))


def _drawn(chance: Tensor, generator: torch.Generator) -> Tensor:
    uniforms = torch.rand(chance.shape, generator=generator, dtype=torch.float64).to(chance.device)
    return (uniforms < chance).to(torch.float64)
