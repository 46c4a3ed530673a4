"""Shared by gradient-based rules: their card, Adam with a clipped norm, and a regulariser of firing rates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from neurorec.basics.errors import RunFailed
from neurorec.basics.numbers import Gain, LearningRate, PositiveGain, Share
from neurorec.learning.rule import TrainingCard
from neurorec.models.network import Network


class DescentCard(TrainingCard):
    learning_rate: LearningRate
    learning_rate_decay: Share  #: factor applied to the learning rate at every update
    clip_norm: PositiveGain
    rate_target: Gain  #: target of the regulariser, in spikes per neuron and step (spiking cells)
    rate_weight: Gain  #: weight of the regulariser in the loss; 0 for none

    def regularises(self, network: Network) -> bool:
        return self.rate_weight > 0 and network.spikes

    def rate_loss(self, rates: Mapping[str, Tensor], network: Network) -> Tensor | float:
        """The regulariser of the rates [B, H] of each spiking layer."""
        if not self.regularises(network):
            return 0.0
        spiking = [rate for name, rate in rates.items() if network.signal_of(name) == "spikes"]
        parts = [(rate.mean(0) - self.rate_target).square().mean() for rate in spiking]
        return self.rate_weight * sum(parts[1:], parts[0])


@dataclass
class Descent:
    """Adam on all trained numbers of a model."""

    model: Network
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @classmethod
    def of(cls, model: Network, card: DescentCard, more: Iterable[Tensor] = ()) -> Self:
        """`more`: weights that are learned but do not belong to the model, such as feedback weights."""
        trained = [*(parameter for parameter in model.parameters() if parameter.requires_grad), *more]
        optimizer = torch.optim.Adam(trained, lr=card.learning_rate, fused=True)
        return cls(model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=card.learning_rate_decay))

    def follow(self, card: DescentCard) -> None:
        """One step along the gradients stored in the trained numbers; those of tied weights are added first."""
        self.model.constraints.gather_gradients()
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, card.clip_norm)
        self.optimizer.step()
        self.schedule.step()


def check_loss(loss: Tensor, card: DescentCard) -> float:
    """The loss as a number; raises `RunFailed` if it is not finite."""
    value = float(loss.detach())
    if not torch.isfinite(loss):
        raise RunFailed(
            f"the loss became {value}; lower learning_rate (now {card.learning_rate:g}) or clip_norm "
            f"(now {card.clip_norm:g}) in the pair card"
        )
    return value
