"""One long sequence of symbols as a task: predict the next symbol."""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.objectives.next_symbol import NextSymbol

FRAMES = 128  #: symbols per window
GIVEN = 28  #: first symbols of every window, which are read but not scored
ENDS: dict[Split, int] = {"train": 6_400, "validation": 8_000, "test": 10_092}  #: of the splits, in the sequence
IN_BASE = "base-A cross-entropy"


class NextOfSequence(NextSymbol):
    """Next symbol, with the cross-entropy also in units of ln A, for an alphabet of A symbols: 1 if all are equally likely."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols  #: names, for figures

    def sense(self, score: str) -> tuple[str, bool]:
        return ("", False) if score == IN_BASE else super().sense(score)

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        found = super().scores(y, batch)
        return found | {IN_BASE: found[self.metric] / math.log(len(self.symbols))}


def windows_of(first: int, last: int) -> tuple[Tensor, Tensor]:
    """Windows in which each of the symbols first to last - 1 is a target once: where they begin [N], and which of their frames
    are scored [FRAMES, N]. The last window begins earlier than its number implies, so that it ends with the split."""
    starts = torch.arange(first - GIVEN - 1, last - GIVEN - 1, FRAMES - GIVEN)
    begin = starts.clamp_max(last - FRAMES - 1)
    target = begin + 1 + torch.arange(FRAMES)[:, None]
    return begin, target > starts + GIVEN


def sequence_task(
    name: str, title: str, sequence: Tensor, symbols: tuple[str, ...], sources: tuple[str, ...]
) -> ArrayTask:
    """Windows of 128 symbols, one per frame, one-hot. The first 28 predictions of a window are not scored; every symbol but the
    first 29 is predicted once. Of 10,092 symbols, the first 6,400 are for training, 1,600 for validation, 2,092 for testing."""
    ends = [GIVEN + 1, *(ENDS[split] for split in SPLITS)]
    made = [windows_of(first, last) for first, last in pairwise(ends)]
    at = torch.cat([begin for begin, _ in made]) + torch.arange(FRAMES)[:, None]
    sizes = np.cumsum([len(begin) for begin, _ in made])
    return ArrayTask(
        name=name,
        title=title,
        x=torch.nn.functional.one_hot(sequence[at], len(symbols)).float(),
        target=sequence[at + 1],
        mask=torch.cat([scored for _, scored in made], 1),
        splits=dict(zip(SPLITS, np.split(np.arange(sizes[-1]), sizes[:-1]), strict=True)),
        outputs=len(symbols),
        sources=sources,
        objective=NextOfSequence(symbols),
    )
