"""Policy gradient: actions that earn more reward than usual become more probable (REINFORCE, Williams 1992)."""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from neurorec.basics.numbers import Gain, Share
from neurorec.engines.engine import Engine
from neurorec.learning.bptt import BPTT
from neurorec.learning.descent import Descent, DescentCard
from neurorec.learning.rewards import as_episodes, rewards_of
from neurorec.learning.rule import Judgement, Messages, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class PolicyGradientCard(DescentCard):
    """One update per `batch_size` episodes."""

    discount: Share  #: weight of a reward one frame later, relative to one now
    baseline_rate: Share  #: rate of the running mean of rewards
    entropy_weight: Gain  #: of the entropy in the loss, which keeps actions from dying out (Williams & Peng 1991)


@dataclass
class PolicyGradientState:
    descent: Descent
    engine: Engine
    objective: Objective
    generator: (
        torch.Generator
    )  #: draws the answers to samples of a task; environments have drawn the actions themselves
    baseline: Tensor = field(default_factory=lambda: torch.zeros(1))  #: [F] running mean of future rewards


@rules.register("policy_gradient")
class PolicyGradient(BPTT):
    """The gradient of each action's log probability is computed by BPTT through the whole policy network and followed by
    Adam. Drawing actions and the running means, a few operations per frame, are not counted."""

    Card = PolicyGradientCard
    title = "policy gradient"
    sources = ("williams1992", "williams1991", "kingma2015")
    equations = (
        "dW ~ sum over t of (R_t - b_t) d log p(a_t) / dW + entropy_weight dH(p) / dW, p = softmax(y_t);\n"
        "R_t = r_t + discount R_{t+1};   b_t += baseline_rate (mean of R_t - b_t)"
    )
    signal = "reward"
    messages = Messages(
        errors=True, signals="one", online=False, sources=("williams1992",),
        why="the reward is broadcast; the derivative of each action's log probability is propagated back as errors are in BPTT",
    )  # fmt: skip
    order_free = False  # actions are drawn sample by sample
    card: PolicyGradientCard  # type: ignore[assignment]

    @classmethod
    def title_for(cls, model: Any) -> str:
        return f"{cls.title} (surrogate)" if model.spikes else cls.title

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        rewarded = Judgement("relaxed", "a reward says how good an action was, not which action was correct")
        return (*super().judgements(model)[:-1], rewarded)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> Any:
        return PolicyGradientState(Descent.of(model, self.card), engine, objective, generator)

    def _loss(self, network: Network, state: Any, batch: Batch) -> Tensor:
        """A loss whose gradient is minus that of the expected reward; the baseline is then updated."""
        seen = state.engine.run_batch(network, batch)
        y = state.objective.answers(seen.outputs, batch)
        if batch.earnings is not None:
            batch, y = as_episodes(batch, y, state.generator), y[None]
        counts, to_come = batch.frame_mask, reward_to_come(batch, self.card.discount)
        state.baseline = F.pad(state.baseline.to(to_come), (0, max(0, len(to_come) - len(state.baseline))))
        usual = state.baseline[: len(to_come)]
        log_chances = y.log_softmax(-1)
        taken = log_chances.gather(-1, batch.answers[..., None])[..., 0]
        entropy = -(log_chances.exp() * log_chances).sum(-1)
        gained = taken * (to_come - usual[:, None]) + self.card.entropy_weight * entropy
        loss = -(gained * counts).sum() / batch.size
        mean = (to_come * counts).sum(1) / counts.sum(1).clamp_min(1)
        state.baseline[: len(to_come)] = usual + self.card.baseline_rate * (mean - usual)
        steps = batch.mask.sum() / batch.size
        return loss + self.card.rate_loss({name: seen.sent[name].sum(0) / steps for name in network.hidden}, network)


def reward_to_come(batch: Batch, discount: float) -> Tensor:
    """[F, B] the reward of a frame plus the discounted rewards of all later ones."""
    if discount == 1:
        return rewards_of(batch).flip(0).cumsum(0).flip(0)
    to_come = rewards_of(batch).clone()
    for t in range(len(to_come) - 2, -1, -1):
        to_come[t] += discount * to_come[t + 1]
    return to_come
