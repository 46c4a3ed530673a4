"""Temporal order (Hochreiter & Schmidhuber 1997, experiments 6a and 6b): in which order did X and Y occur?"""

from typing import NamedTuple

import numpy as np
import torch

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Split, objectives
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 1024, "validation": 512, "test": 2560}
SYMBOLS = "EabcdXYB"


class Variant(NamedTuple):
    frames: tuple[int, int]  #: shortest and longest string
    places: tuple[tuple[int, int], ...]  #: first and last place of each X or Y


VARIANTS = {
    "6a": Variant((100, 110), ((10, 20), (50, 60))),
    "6b": Variant((100, 110), ((10, 20), (33, 43), (66, 76))),
    "half": Variant((50, 55), ((5, 10), (25, 30))),
}


def draw(variant: Variant, count: int, generator: torch.Generator) -> Batch:
    """Strings as a batch x [T, count, 8]; lengths and classes occur in turn, everything else is random."""
    number, ((shortest, longest), places) = torch.arange(count), variant
    classes = number % 2 ** len(places)
    lengths = shortest + number // 2 ** len(places) % (longest - shortest + 1)
    symbols = torch.randint(1, 5, (longest, count), generator=generator)
    for place, (first, last) in enumerate(places):
        at = torch.randint(first, last + 1, (count,), generator=generator)
        symbols[at, number] = SYMBOLS.index("X") + (classes >> place) % 2
    symbols[0] = SYMBOLS.index("E")
    symbols[lengths - 1, number] = SYMBOLS.index("B")
    frame = torch.arange(longest)[:, None]
    x = torch.nn.functional.one_hot(symbols, len(SYMBOLS)).float() * (frame < lengths)[..., None]
    return Batch(x, classes, frame == lengths - 1, lengths)


def temporal_order(name: str, seed: int) -> Task:
    variant, total = VARIANTS[name], sum(SAMPLES.values())
    (shortest, longest), places = variant
    whole = draw(variant, total, torch_generator(seed, f"temporal_order_{name}"))
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])

    def fresh(generator: torch.Generator) -> Batch:
        return draw(variant, SAMPLES["train"], generator)

    return ArrayTask(
        name=f"temporal_order_{name}",
        title=f"order of {len(places)} symbols X or Y among {shortest} to {longest}",
        x=whole.x,
        target=whole.answers,
        mask=whole.mask,
        splits={"train": train, "validation": validation, "test": test},
        outputs=2 ** len(places),
        sources=("hochreiter1997",),
        objective=objectives["classification"](),
        lengths=whole.lengths,
        draw=fresh,
    )


@tasks.register("temporal_order_6a")
def temporal_order_6a(seed: int) -> Task:
    """Two symbols X or Y among 100 to 110; which of the 4 orders, at the last frame. Experiment 6a of the paper.

    A string starts with E, ends with B and has X or Y at places 10 to 20 and 50 to 60; all other symbols are a, b, c or d.
    Training strings are drawn afresh in every epoch.
    """
    return temporal_order("6a", seed)


@tasks.register("temporal_order_6b")
def temporal_order_6b(seed: int) -> Task:
    """Three symbols X or Y among 100 to 110; which of the 8 orders, at the last frame. Experiment 6b of the paper.

    As 6a, with X or Y at places 10 to 20, 33 to 43 and 66 to 76.
    """
    return temporal_order("6b", seed)


@tasks.register("temporal_order_half")
def temporal_order_half(seed: int) -> Task:
    """Two symbols X or Y among 50 to 55; which of the 4 orders, at the last frame. Experiment 6a with all lags halved.

    As 6a, with X or Y at places 5 to 10 and 25 to 30.
    """
    return temporal_order("half", seed)
