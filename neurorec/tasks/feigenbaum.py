"""The Feigenbaum sequence: the logistic map at the end of its period-doubling cascade, as left and right of its maximum
(Tino & Dorffner 2001)."""

import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.symbol_sequence import ENDS, sequence_task
from neurorec.tasks.task import Task, tasks

SOURCES = ("tino2001",)
FARTHEST = 2**20  #: symbols of the sequence that may precede those of a seed


def feigenbaum_symbols(first: int, count: int) -> Tensor:
    """Symbols `first` (from 1) on: 1 where n is divisible by an even power of 2 and not by the next, else 0.

    This is the fixed point of the substitution 1 -> 10, 0 -> 11.
    """
    n = torch.arange(first, first + count)
    lowest = n & -n  # the largest power of 2 that divides n
    return (lowest.double().log2().round().long() + 1) % 2


@tasks.register("feigenbaum")
def feigenbaum(seed: int) -> Task:
    """One symbol of the Feigenbaum sequence (left or right) per frame; the target is the next one.

    The sequence is deterministic, but only an unbounded memory predicts it without errors. Seeds begin at different places.
    """
    first = 1 + int(torch.randint(FARTHEST, (), generator=torch_generator(seed, "feigenbaum")))
    symbols = feigenbaum_symbols(first, ENDS["test"])
    return sequence_task("feigenbaum", "next symbol of the Feigenbaum sequence", symbols, ("left", "right"), SOURCES)
