"""A task as a network receives it: every split in steps, encoded as for the training."""

import torch

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task


def encoded_split(encoder: Encoder, task: Task, split: Split, seed: int, max_samples: int | None = None) -> Batch:
    """A split as input to the network, in steps, of at most `max_samples`. Random encoders draw from `seed` and the split."""
    return encoder.encode_batch(split_frames(task, split, max_samples), torch_generator(seed, f"encoder {split}"))


def split_frames(task: Task, split: Split, max_samples: int | None) -> Batch:
    """A split in frames, of at most `max_samples`, evenly spaced, as data are often sorted by class."""
    batch = task.split(split)
    if max_samples is not None and max_samples < batch.size:
        batch = batch.take(torch.arange(max_samples) * batch.size // max_samples)
    return batch


class EncodedTask(Task):
    """The task `frames`, with its splits encoded."""

    def __init__(self, frames: Task, encoder: Encoder, seed: int) -> None:
        self.frames, self.encoder, self.seed = frames, encoder, seed
        self.name, self.title, self.inputs, self.outputs = frames.name, frames.title, frames.inputs, frames.outputs
        self.objective, self.sources = frames.objective, frames.sources

    def split(self, name: Split) -> Batch:
        return encoded_split(self.encoder, self.frames, name, self.seed)

    def baselines(self) -> dict[str, dict[Split, float]]:
        return self.frames.baselines()
