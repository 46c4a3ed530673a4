"""Policy gradient: actions that brought more reward than usual become more probable (REINFORCE, Williams 1992)."""

from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import ForwardPass, TrainingCounts
from neurorec.basics.errors import RunFailed
from neurorec.engines.engine import Engine
from neurorec.learning.bptt import BPTT
from neurorec.learning.rule import Info, Judgement, Messages, Rule, TrainingCard, rules
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch, frame_means
from neurorec.tasks.objective import Objective


class PolicyGradientCard(TrainingCard):
    """`batch_size` episodes make one update."""

    learning_rate: PositiveFloat
    learning_rate_decay: float = Field(gt=0, le=1)  #: factor on the learning rate at every update
    clip_norm: PositiveFloat
    baseline_rate: float = Field(gt=0, le=1)  #: how fast the running mean of rewards follows the last batch


@dataclass
class PolicyGradientState:
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    engine: Engine
    baseline: Tensor = field(default_factory=lambda: torch.zeros(()))  #: [F] running mean of the reward to come


@rules.register("policy_gradient")
class PolicyGradient(Rule):
    """The gradient goes through the whole policy network by BPTT, and Adam follows it."""

    Card = PolicyGradientCard
    title = "policy gradient"
    sources = ("williams1992", "kingma2015")
    equations = (
        "dW ~ sum over t of (R_t - b_t) d log p(a_t) / dW, p = softmax(y_t);   R_t = rewards from t on;   "
        "b_t += baseline_rate (mean of R_t - b_t)"
    )
    signal = "reward"
    sees = ("whole graph",)
    needs = capabilities("backward pass")
    messages = Messages(
        errors=True, signals="one", online=False, sources=("williams1992",),
        why="the reward is broadcast; the derivative of each action's probability goes back as errors do in BPTT",
    )  # fmt: skip
    recurrent_frozen_control = True
    scored_each_epoch = True
    card: PolicyGradientCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        return BPTT.why_not(model)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            *BPTT.judgements(model)[:5],
            Judgement("relaxed", "a reward says how good an action was, nothing says which one was right"),
        )

    @classmethod
    def count_training(cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int) -> TrainingCounts:
        """As BPTT. Drawing actions and the running means are not counted: some operations per frame and action."""
        return BPTT.count_training(model, forward, samples_seen, weight_updates)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> PolicyGradientState:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.card.learning_rate, fused=True)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.card.learning_rate_decay)
        return PolicyGradientState(optimizer, schedule, engine)

    def step(self, model: Network, state: PolicyGradientState, batch: Batch) -> tuple[PolicyGradientState, Info]:
        """One Adam step.

        Raises
        ------
        RunFailed
            If the loss is no longer a finite number.
        """
        counts, to_come = batch.frame_mask, reward_to_come(batch)
        state.optimizer.zero_grad(set_to_none=True)
        outputs = state.engine.run(model, batch.x, batch.lengths).outputs
        log_chances = frame_means(outputs, batch.steps_per_frame).log_softmax(-1)
        taken = log_chances.gather(-1, batch.answers[..., None])[..., 0]
        loss = -(taken * (to_come - state.baseline[..., None]))[counts].sum() / batch.size
        if not torch.isfinite(loss):
            raise RunFailed(f"the loss became {float(loss)}; lower learning_rate (now {self.card.learning_rate:g})")
        loss.backward()
        trained = [parameter for group in state.optimizer.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, self.card.clip_norm)
        state.optimizer.step()
        state.schedule.step()
        mean = (to_come * counts).sum(1) / counts.sum(1).clamp_min(1)
        state.baseline = state.baseline + self.card.baseline_rate * (mean - state.baseline)
        return state, Info(loss=float(loss.detach()), updates=1)


def reward_to_come(batch: Batch) -> Tensor:
    """[F, B] the sum of the rewards of a frame and all later ones."""
    if batch.reward is None:
        raise ValueError("this batch has no rewards")
    return batch.reward.flip(0).cumsum(0).flip(0)
