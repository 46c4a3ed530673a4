"""Temporal order (Hochreiter & Schmidhuber 1997, experiments 6a and 6b): in which order did X and Y occur?"""

import numpy as np
import torch

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Split, objectives
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 1024, "validation": 512, "test": 2560}
FRAMES = (100, 110)  #: shortest and longest string
SYMBOLS = "EabcdXYB"
PLACES = {"a": ((10, 20), (50, 60)), "b": ((10, 20), (33, 43), (66, 76))}  #: first and last place of each X or Y


def draw(places: tuple[tuple[int, int], ...], count: int, generator: torch.Generator) -> Batch:
    """Strings as a batch x [T, count, 8]; lengths and classes occur in turn, everything else is random."""
    number, (shortest, longest) = torch.arange(count), FRAMES
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


def temporal_order(variant: str, seed: int) -> Task:
    places, total = PLACES[variant], sum(SAMPLES.values())
    whole = draw(places, total, torch_generator(seed, f"temporal_order_6{variant}"))
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])

    def fresh(generator: torch.Generator) -> Batch:
        return draw(places, SAMPLES["train"], generator)

    return ArrayTask(
        name=f"temporal_order_6{variant}",
        title=f"order of {len(places)} symbols X or Y among {FRAMES[0]} to {FRAMES[1]}",
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
    return temporal_order("a", seed)


@tasks.register("temporal_order_6b")
def temporal_order_6b(seed: int) -> Task:
    """Three symbols X or Y among 100 to 110; which of the 8 orders, at the last frame. Experiment 6b of the paper.

    As 6a, with X or Y at places 10 to 20, 33 to 43 and 66 to 76.
    """
    return temporal_order("b", seed)
