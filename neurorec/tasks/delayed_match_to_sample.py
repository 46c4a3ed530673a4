"""Delayed match to sample: a cue, a delay, a second cue; were the two cues the same?"""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from neurorec.tasks.environment import Environment, EpisodeState
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.task import tasks

SHORTEST, LONGEST = 3, 8  #: frames of the delay
RIGHT, WRONG, COST = 1.0, -1.0, 0.1  #: COST: of each answer before the test, and of no answer in it
WAIT, MATCH, NON_MATCH = range(3)


class Trial(NamedTuple):
    """The state of B trials, hidden from the network."""

    sample: Tensor  #: [B] 0 for A, 1 for B
    test: Tensor  #: [B]
    asked: Tensor  #: [B] the frame of the test
    frame: int


@tasks.register("delayed_match_to_sample")
class DelayedMatchToSample(Environment):
    """5 lines: sample A, sample B, test A, test B, and one that is 1 in every frame.

    The sample is shown in the first frame; the test, after a random delay of 3 to 8 frames, ends the trial. Actions: wait,
    match, non-match. The correct answer in the test earns +1 and the wrong one -1; an answer before the test, or none in
    it, costs 0.1. Without memory of the sample no policy can expect more than 0.
    """

    name = "delayed_match_to_sample"
    title = f"delayed match to sample: two cues, {SHORTEST} to {LONGEST} frames apart"
    inputs, outputs = 5, 3
    steps = LONGEST + 2
    sources = ()

    def reset(self, episodes: int, generator: torch.Generator) -> EpisodeState:
        sample, test = torch.randint(2, (2, episodes), generator=generator)
        delay = torch.randint(SHORTEST, LONGEST + 1, (episodes,), generator=generator)
        return self._seen(Trial(sample, test, delay + 1, 0))

    def step(self, seen: EpisodeState, action: Tensor) -> tuple[Tensor, EpisodeState]:
        trial: Trial = seen.hidden
        right = action.eq(torch.where(trial.sample == trial.test, MATCH, NON_MATCH))
        answered = torch.where(right, RIGHT, WRONG)
        in_test = torch.where(action.eq(WAIT), -COST, answered)
        before = torch.where(action.eq(WAIT), 0.0, -COST)
        reward = torch.where(trial.asked.eq(trial.frame), in_test, before)
        return reward, self._seen(trial._replace(frame=trial.frame + 1))

    def baselines(self) -> dict[str, dict[Split, float]]:
        """Those of every environment, and the best policy that waits and then answers from the test alone, chosen on the
        training split."""
        blind = [self._scores(*answers) for answers in itertools.product((MATCH, NON_MATCH), repeat=2)]
        return super().baselines() | {"best without memory": max(blind, key=lambda scores: scores["train"])}

    def _seen(self, trial: Trial) -> EpisodeState:
        """Lines are 0 after the end of a trial."""
        running = trial.frame <= trial.asked
        lines = torch.zeros(len(running), self.inputs)
        lines[:, -1] = running.float()
        for first, cue, shown in ((0, trial.sample, trial.frame == 0), (2, trial.test, trial.frame == trial.asked)):
            lines[:, first : first + 2] += torch.nn.functional.one_hot(cue, 2) * torch.as_tensor(shown).view(-1, 1)
        return EpisodeState(lines, trial, running)

    def _scores(self, on_a: int, on_b: int) -> dict[Split, float]:
        def policy(t: int, observation: Tensor) -> Tensor:
            return (on_a * observation[:, 2] + on_b * observation[:, 3]).long()  # WAIT is 0

        return {split: float(self.rollout(policy, *self.episodes(split)).returns.double().mean()) for split in SPLITS}
