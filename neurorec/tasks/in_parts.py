"""Splits whose steps would take too much memory: samples stay in frames, and are encoded some at a time when they are read."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.batch import Batch
from neurorec.tasks.encoded_task import split_frames
from neurorec.tasks.encoders import Encoder
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task

PART_BYTES = 2**26  #: of encoded steps in memory at once


@dataclass(frozen=True)
class InParts:
    """Samples in frames and their encoder, which must draw no random numbers: then parts are encoded as the whole would be.

    It offers what `Batch` does, except for the steps of all samples at once.
    """

    samples: Batch
    encoder: Encoder
    part_size: int

    @property
    def size(self) -> int:
        return self.samples.size

    @property
    def steps(self) -> int:
        return self.samples.steps * self.encoder.steps_per_frame

    def parts(self) -> Iterator[Batch]:
        """Encoded samples, in order."""
        for index in torch.arange(self.size).split(self.part_size):
            yield self._encoded(self.samples.take(index))

    def encoded(self) -> Batch:
        """All samples at once."""
        return self._encoded(self.samples)

    def take(self, index: Tensor) -> "InParts":
        return replace(self, samples=self.samples.take(index))

    def to(self, device: str) -> "InParts":
        return replace(self, samples=self.samples.to(device))

    def backwards(self) -> "InParts":
        return replace(self, samples=self.samples.backwards())

    def _encoded(self, samples: Batch) -> Batch:
        return self.encoder.encode_batch(samples, torch.Generator())  # which draws nothing


def split_in_parts(
    encoder: Encoder, task: Task, split: Split, seed: int, max_samples: int | None = None, part_bytes: int = PART_BYTES
) -> Batch | InParts:
    """As `encoded_split`, but in parts if it takes more than `part_bytes` and the encoder draws no random numbers."""
    samples = split_frames(task, split, max_samples)
    of_sample = samples.x[:, :1].numel() * encoder.steps_per_frame * samples.x.element_size()
    if encoder.draws or of_sample * samples.size <= part_bytes:
        return encoder.encode_batch(samples, torch_generator(seed, f"encoder {split}"))
    return InParts(samples, encoder, max(1, part_bytes // of_sample))
