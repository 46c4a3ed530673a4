"""Traces of a batch of episodes that turn into weight changes when rewards arrive (`three_factor_reward.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from neurorec.learning.broadcast_rule import ANSWER
from neurorec.learning.rewards import as_episodes, rewards_of
from neurorec.learning.traced_run import TracedRun
from neurorec.models.network import Network
from neurorec.tasks.batch import Batch

if TYPE_CHECKING:
    from neurorec.learning.three_factor_reward import ThreeFactorReward, ThreeFactorRewardState

CRITIC = "the critic"
TINY = 1e-30  #: a chance below which no action is drawn; keeps its logarithm finite


class Credit:
    """The traces of one batch of episodes, from actions to rewards. Samples of a task are episodes with one action, the answer,
    which is drawn when it is complete."""

    def __init__(self, rule: ThreeFactorReward, model: Network, state: ThreeFactorRewardState, batch: Batch) -> None:
        self.rule, self.model, self.state, self.batch = rule, model, state, batch
        self.run, self.traces = TracedRun(model, batch.size), {}
        self.expected = batch.x.new_zeros(batch.size)  #: [B] V_t
        self.squared_error, self.frame = batch.x.new_zeros(()), -1

    def act(self, frame: int, means: dict[str, Tensor]) -> None:
        """Apply the reward of the last action to the traces, then add the traces of this frame's action."""
        if self.batch.earnings is not None:
            self.batch = as_episodes(self.batch, means[ANSWER], self.state.generator)
        heard, running = means[self.model.output], self.batch.frame_mask[frame].to(self.expected)
        expected = heard[:, 0] @ self.state.critic[0] * running
        if frame:
            self._reward(self.rule.card.discount * expected)
        self.expected, self.frame = expected, frame
        chances = means[ANSWER].softmax(1)
        surprise = F.one_hot(self.batch.answers[frame], chances.shape[1]) - chances
        for name in (*self.model.hidden, self.model.output):
            feedback = self.rule._feedback(self.model, self.state, name)
            self._tag(name, means[name], surprise, feedback)
            if self.rule.card.entropy_weight:
                self.request(name, means[name], self._push(chances) * running[:, None], feedback)
        self._tag(CRITIC, heard, heard.new_ones(len(heard), 1), heard.new_ones(1, 1))

    def end(self) -> None:
        """The reward of the last action; nothing is expected after it."""
        self._reward(torch.zeros_like(self.expected))

    def _push(self, chances: Tensor) -> Tensor:
        """dH/dy: towards equal chances of all actions."""
        log_chances = chances.clamp_min(TINY).log()
        entropy = -(chances * log_chances).sum(1, keepdim=True)
        return -self.rule.card.entropy_weight * chances * (log_chances + entropy)

    def request(self, name: str, trace: Tensor, modulator: Tensor, feedback: Tensor, own: Tensor | None = None) -> None:
        """Let the synapses of a layer change by what they see: traces [B, H, L], modulators [B, M], what units do [B, H]."""
        weight = self.state.critic if name == CRITIC else self.run.weight(name)
        post = trace.new_zeros(len(trace), len(weight)) if own is None else own
        change = (
            self.rule.changed(weight, name, pre=trace, post=post, modulator=modulator, feedback=feedback)
            / self.batch.size
        )
        if name == CRITIC:
            weight.grad -= change  # type: ignore[operator]
        else:
            self.run.request(name, change)

    def _reward(self, to_come: Tensor) -> None:
        """Send the prediction error of the last frame to all synapses: what came, and is to come, minus what was expected."""
        counts = self.batch.frame_mask
        error = torch.where(counts[self.frame], rewards_of(self.batch)[self.frame] + to_come - self.expected, 0.0)
        self.squared_error += error.square().sum() / counts.sum()
        for name, trace in self.traces.items():
            self.request(name, trace, error[:, None], error.new_ones(1, trace.shape[1]))

    def _tag(self, name: str, eligibility: Tensor, modulator: Tensor, feedback: Tensor) -> None:
        """Traces decay, and what was eligible during the action is added."""
        added = self.rule.tag(
            self.rule.seen(eligibility, name, pre=eligibility, modulator=modulator, feedback=feedback)
        )
        if name in self.traces:
            self.traces[name].mul_(self.rule.card.discount * self.rule.card.trace_decay).add_(added)
        else:
            self.traces[name] = added
