"""Texts as tasks: predict the next character."""

import math

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.objectives.next_symbol import NextSymbol

SHARES: dict[Split, tuple[float, float]] = {"train": (0, 0.81), "validation": (0.81, 0.9), "test": (0.9, 1)}
FRAMES = 128  #: characters per window
GIVEN = 32  #: first characters of validation and test windows, which are read but not scored
DRAWN, VALIDATED = 1024, 256  #: training windows per epoch; validation windows
SHORTEST = 10_000  #: characters of a text that can be split into windows
PERPLEXITY = "perplexity"


class NextCharacter(NextSymbol):
    """Next symbol of a text, also as perplexity. Its Markov models are counted on the whole training text."""

    unit = "nats/character"

    def __init__(self, alphabet: str, text: Tensor) -> None:
        self.alphabet, self.text = alphabet, text  # the text as numbers into the alphabet

    def sense(self, score: str) -> tuple[str, bool]:
        return ("", False) if score == PERPLEXITY else super().sense(score)

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        found = super().scores(y, batch)
        return found | {PERPLEXITY: math.exp(found[self.metric])}

    def counted_on(self, task: ArrayTask) -> tuple[Tensor, Tensor, Tensor]:
        symbols, following = self.text[:-1, None], self.text[1:, None]
        return symbols, following, torch.ones_like(symbols, dtype=torch.bool)


def as_numbers(text: bytes, where: str) -> tuple[str, Tensor]:
    """The alphabet of a text, and the text as numbers into it. Raises `InputError` if it is not ASCII, or very short."""
    read = np.frombuffer(text, np.uint8)
    if len(read) < SHORTEST:
        raise InputError(f"{where}: a text must have at least {SHORTEST:,} characters (got {len(read):,})")
    if read.max() > 127:
        raise InputError(f"{where}: byte {int((read > 127).argmax()):,} is not ASCII; convert the text to ASCII first")
    alphabet, numbers = np.unique(read, return_inverse=True)
    return "".join(map(chr, alphabet)), torch.from_numpy(numbers.astype(np.int64))


def bounds(split: Split, length: int) -> tuple[int, int]:
    """Where a split begins and ends in a text of this length: 81 % training, 9 % validation, the last 10 % test."""
    first, last = SHARES[split]
    return round(first * length), round(last * length)


def held_out(split: Split, length: int) -> Tensor:
    """Where the windows of a split begin: each character of the split is scored at most once, the first after GIVEN others."""
    first, last = bounds(split, length)
    return torch.arange(first - GIVEN - 1, last - FRAMES, FRAMES - GIVEN)


def windows(text: Tensor, starts: Tensor, characters: int) -> tuple[Tensor, Tensor]:
    """One-hot characters x [T, B, characters], and the characters that follow [T, B]."""
    at = starts + torch.arange(FRAMES)[:, None]
    return torch.nn.functional.one_hot(text[at], characters).float(), text[at + 1]


def text_task(name: str, title: str, alphabet: str, text: Tensor, seed: int, sources: tuple[str, ...]) -> ArrayTask:
    """Windows of 128 characters, one character per frame. Training windows are drawn anew in every epoch from the first 81 % of
    the text; up to 256 windows of the next 9 % are for validation, all of the last 10 % for testing. Networks start each window
    from their initial state, so the first 32 answers of held-out windows are not scored."""
    train = text[slice(*bounds("train", len(text)))]

    def draw(generator: torch.Generator) -> Batch:
        starts = torch.randint(len(train) - FRAMES, (DRAWN,), generator=generator)
        return Batch(*windows(train, starts, len(alphabet)), torch.ones(FRAMES, dtype=torch.bool), per_frame=True)

    validation, test = held_out("validation", len(text)), held_out("test", len(text))
    validation = validation[:: max(1, len(validation) // VALIDATED)][:VALIDATED]
    first = draw(torch_generator(seed, name))
    x, target = windows(text, torch.cat([validation, test]), len(alphabet))
    unscored = torch.cat([torch.zeros(DRAWN), torch.full((x.shape[1],), GIVEN)])
    numbers = np.split(np.arange(DRAWN + x.shape[1]), [DRAWN, DRAWN + len(validation)])
    return ArrayTask(
        name=name,
        title=title,
        x=torch.cat([first.x, x], 1),
        target=torch.cat([first.answers, target], 1),
        mask=torch.arange(FRAMES)[:, None] >= unscored,
        splits=dict(zip(SPLITS, numbers, strict=True)),
        outputs=len(alphabet),
        sources=sources,
        objective=NextCharacter(alphabet, train),
        draw=draw,
    )
