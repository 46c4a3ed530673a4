"""Sequences to be written backwards: read a sequence of symbols, then write it in reverse order, followed by an end symbol."""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.objectives.step_classification import StepClassification
from neurorec.tasks.task import Task, tasks

SYMBOLS = "abcdefgh"
END = len(SYMBOLS)  #: output that ends an answer
WRITE = len(SYMBOLS)  #: input line that is 1 in all frames of writing
LENGTHS: dict[Split, tuple[int, int]] = {"train": (3, 8), "validation": (3, 8), "test": (3, 12)}
SAMPLES: dict[Split, int] = {"train": 3000, "validation": 240, "test": 600}


class Written(StepClassification):
    """The symbols of an answer, and the share of answers without an error. Answers are fed back while they are written."""

    size = "symbols to read"

    def sizes(self, batch: Batch) -> Tensor:
        """[B] frames that each sample reads."""
        return batch.frame_mask.sum(0) - 1 if batch.reading is None else batch.reading

    def text(self, batch: Batch, answers: Tensor, sample: int) -> tuple[str, str, str]:
        """What one sample reads, should write, and writes with answers [F, B, O]."""
        k, mask = batch.steps_per_frame, batch.frame_mask[:, sample].cpu()
        frames = batch.x[::k, sample, : len(SYMBOLS)].cpu()
        read = "".join(SYMBOLS[int(frame.argmax())] for frame in frames if frame.any())
        wanted, written = (labels[:, sample].cpu()[mask].tolist() for labels in (batch.answers, answers.argmax(2)))
        return read, _spelled(wanted), _spelled(written)


def _spelled(labels: list[int]) -> str:
    return "".join("." if label == END else SYMBOLS[label] for label in labels)


def draw(random: np.random.Generator) -> dict[Split, list[tuple[int, ...]]]:
    """Sequences of every split, all different; lengths take turns."""
    known: set[tuple[int, ...]] = set()
    found: dict[Split, list[tuple[int, ...]]] = {split: [] for split in SPLITS}
    for split in ("test", "validation", "train"):
        shortest, longest = LENGTHS[split]
        while len(found[split]) < SAMPLES[split]:
            most = len(SYMBOLS) ** shortest // 2  # half of the shortest sequences remain for the other splits
            number = len(found[split])
            length = shortest + number % (longest - shortest + 1)
            length += length == shortest and number >= most
            sequence = tuple(random.integers(len(SYMBOLS), size=length).tolist())
            if sequence not in known:
                known.add(sequence)
                found[split].append(sequence)
    return found


@tasks.register("reversal")
def reversal(seed: int) -> Task:
    """Read 3 to 8 of 8 symbols, then write them in reverse order, followed by an end symbol. Tested on 3 to 12.

    One symbol per frame, one-hot on 9 lines; the last line is 1 in all frames of writing. No sequence occurs in two splits.
    """
    drawn = draw(numpy_generator(seed, "reversal"))
    everything = [sequence for split in SPLITS for sequence in drawn[split]]
    reading = torch.tensor([len(sequence) for sequence in everything])
    total, T = len(everything), 2 * int(reading.max()) + 1
    lengths, frame = 2 * reading + 1, torch.arange(T)[:, None]
    x, target = torch.zeros(T, total, len(SYMBOLS) + 1), torch.zeros(T, total, dtype=torch.long)
    for sample, sequence in enumerate(everything):
        x[torch.arange(len(sequence)), sample, torch.tensor(sequence)] = 1.0
        target[len(sequence) : 2 * len(sequence) + 1, sample] = torch.tensor([*reversed(sequence), END])
    writing = (frame >= reading) & (frame < lengths)
    x[..., WRITE] = writing.float()
    ends = np.cumsum([0, *(SAMPLES[split] for split in SPLITS)])
    return ArrayTask(
        name="reversal",
        title="sequences written backwards",
        x=x,
        target=target,
        mask=writing,
        splits={split: np.arange(ends[k], ends[k + 1]) for k, split in enumerate(SPLITS)},
        outputs=len(SYMBOLS) + 1,
        sources=("sutskever2014",),
        objective=Written(),
        lengths=lengths,
        reading=reading,
    )
