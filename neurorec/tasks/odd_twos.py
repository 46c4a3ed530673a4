"""Parity of the number of 2s so far (the language of Tino's lecture): one bit to remember for the whole string."""

import torch
from torch import Tensor

from neurorec.tasks.lengthening import lengthening_task
from neurorec.tasks.machine import Machine
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 512, "validation": 256, "test": 512}
FRAMES: dict[Split, int] = {"train": 20, "validation": 20, "test": 100}
SYMBOLS = 3
ODD = Machine.acceptor("123", ((0, 1, 0), (1, 0, 1)), (1,))


def strings(frames: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random strings of the symbols 1, 2 and 3, one-hot, and whether they are grammatical so far."""
    symbols = torch.randint(SYMBOLS, (frames, count), generator=generator)
    return torch.nn.functional.one_hot(symbols, SYMBOLS).float(), (symbols == 1).cumsum(0) % 2


@tasks.register("odd_twos")
def odd_twos(seed: int) -> Task:
    """One of the symbols 1, 2, 3 per frame; the label says whether the string so far contains an odd number of 2s.

    Training and validation have strings of 20 symbols, the test of 100.
    """
    title = f"odd number of 2s, trained with {FRAMES['train']} symbols, tested with {FRAMES['test']}"
    return lengthening_task("odd_twos", title, strings, FRAMES, SAMPLES, 2, seed, ("tino_rnn",), ODD)
