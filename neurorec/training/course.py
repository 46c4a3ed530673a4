"""The data of a training: the samples of a task with splits, or the episodes of an environment."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.engines.activity import Activity, joined
from neurorec.engines.engine import Engine
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import encoded_split
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.environment import Environment, Rollout
from neurorec.tasks.in_parts import InParts, split_in_parts
from neurorec.tasks.task import SPLITS, Batch, Split, Task, batches

Scores = dict[str, float]


class Course(Protocol):
    """One model on one task: batches for training, and scores."""

    def epoch(self, number: int, size: int | None, generator: torch.Generator) -> Iterator[Any]:
        """The batches of an epoch; `size` None: all samples as one batch. For rules that take them, `InParts`."""
        ...

    def scores(self, split: Split) -> Scores:
        """All scores of the objective on a split."""
        ...

    def test(self) -> tuple[Scores, Activity]:
        """The scores on the test split, and the activity observed in the same pass."""
        ...


class Samples:
    """Splits of arrays, or fresh samples in every epoch if the task draws them.

    Splits are encoded once; with `in_parts`, large ones are encoded part by part whenever they are read.
    """

    def __init__(
        self, model: Any, task: Task, encoder: Encoder, engine: Any, seed: int, device: str, max_samples: int | None,
        reverse: bool, in_parts: bool = False,
    ) -> None:  # fmt: skip
        self.model, self.task, self.encoder, self.engine, self.seed = model, task, encoder, engine, seed
        self.device, self.max_samples, self.reverse = device, max_samples, reverse
        caps: dict[Split, int | None] = {"train": max_samples, "validation": None, "test": None}
        of_split = split_in_parts if in_parts else encoded_split
        self.data: dict[Split, Any] = {  # of `Batch`, or of `InParts`
            split: of_split(encoder, task, split, seed, caps[split]).to(device) for split in SPLITS
        }

    def epoch(self, number: int, size: int | None, generator: torch.Generator) -> Iterator[Any]:
        fresh = self.task.fresh(torch_generator(self.seed, f"{self.task.name} epoch {number}"))
        data = self.data["train"] if fresh is None else self._encoded(fresh, number)
        for batch in batches(data.samples, size or data.size, generator):
            given = replace(data, samples=batch) if isinstance(data, InParts) else batch
            yield given.backwards() if self.reverse else given

    def _encoded(self, fresh: Batch, number: int) -> Batch:
        if self.max_samples is not None:
            fresh = fresh.take(torch.arange(min(self.max_samples, fresh.size)))
        return self.encoder.encode_batch(fresh, torch_generator(self.seed, f"encoder epoch {number}")).to(self.device)

    @torch.no_grad()
    def scores(self, split: Split) -> Scores:
        objective, data = self.task.objective, self.data[split]
        y = [self.engine.answers(self.model, part, objective) for part in data.parts()]
        return objective.scores(torch.cat(y) if len(y) > 1 else y[0], data.samples)

    @torch.no_grad()
    def test(self) -> tuple[Scores, Activity]:
        objective, test = self.task.objective, self.data["test"]
        seen = [self.engine.observe(self.model, part, objective) for part in test.parts()]
        y = torch.cat([answers for answers, _ in seen]) if len(seen) > 1 else seen[0][0]
        return objective.scores(y, test.samples), joined([activity for _, activity in seen])


class Episodes:
    """Episodes of an environment. In training, actions are drawn from the softmax; for scores, the best action is taken."""

    def __init__(
        self, model: Network, task: Environment, encoder: Encoder, engine: Engine, device: str, max_episodes: int | None
    ) -> None:
        self.model, self.task, self.encoder, self.engine = model, task, encoder, engine
        self.device, self.max_episodes = device, max_episodes

    def epoch(self, number: int, size: int | None, generator: torch.Generator) -> Iterator[Batch]:
        total = self.task.episodes("train")[0]
        total = total if self.max_episodes is None else min(total, self.max_episodes)
        for start in range(0, total, size or total):
            count = min(size or total, total - start)
            yield self._play(count, generator, draws=True)[1]

    def scores(self, split: Split) -> Scores:
        return self._scored(*self.task.episodes(split))[0]

    def test(self) -> tuple[Scores, Activity]:
        scores, batch = self._scored(*self.task.episodes("test"))
        with torch.no_grad():
            return scores, self.engine.run(self.model, batch.x, batch.lengths).activity

    def _scored(self, count: int, generator: torch.Generator) -> tuple[Scores, Batch]:
        seen, batch = self._play(count, generator, draws=False)
        return {self.task.objective.metric: float(seen.returns.double().mean())}, batch

    @torch.no_grad()
    def _play(self, count: int, generator: torch.Generator, draws: bool) -> tuple[Rollout, Batch]:
        """Episodes under the network's policy, also as a batch in steps: inputs, actions, rewards."""
        state, steps = self.model.initial_state(count), []

        def policy(t: int, observation: Tensor) -> Tensor:
            nonlocal state
            outputs = []
            for x in self.encoder.encode(observation[None], generator):
                steps.append(x.to(self.device))
                y, state = self.model.step(state, steps[-1])
                outputs.append(y)
            preference = torch.stack(outputs).mean(0).cpu()
            if draws:
                return torch.multinomial(preference.softmax(1), 1, generator=generator)[:, 0]
            return preference.argmax(1)

        seen, k = self.task.rollout(policy, count, generator), self.encoder.steps_per_frame
        mask = seen.running.repeat_interleave(k, dim=0)
        batch = Batch(torch.stack(steps), seen.actions, mask, mask.sum(0), k, per_frame=True, reward=seen.rewards)
        return seen, batch.to(self.device)
