"""Binary addition, one column per frame; the carry must be remembered (Hinton's lecture on recurrent networks)."""

import torch
from torch import Tensor

from neurorec.tasks.lengthening import lengthening_task
from neurorec.tasks.machine import Machine
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 512, "validation": 256, "test": 512}
FRAMES: dict[Split, int] = {"train": 11, "validation": 11, "test": 21}  # one more than the bits per number
COLUMNS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
ADDER = Machine(
    symbols=("00", "01", "10", "11"),
    coding=COLUMNS,
    leads=tuple(tuple(int(a + b) + state // 2 for a, b in COLUMNS) for state in range(4)),
    labels=(0, 1, 0, 1),
    outputs=("0", "1"),
)  #: the automaton of the lecture; a state is the sum of the last column with its carry, of which the label is the lower bit


def sums(frames: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Columns of two random numbers of T - 1 bits, x [T, count, 2], and the bits of their sum [T, count]."""
    x = torch.randint(2, (frames, count, 2), generator=generator)
    x[-1] = 0
    carry, bits = torch.zeros(count, dtype=torch.int64), []
    for column in x.sum(2):
        bits.append((column + carry) % 2)
        carry = (column + carry) // 2
    return x.float(), torch.stack(bits)


@tasks.register("binary_addition")
def binary_addition(seed: int) -> Task:
    """One column of two binary numbers per frame, lowest bit first, and an empty last frame for the carry.

    The label is the bit of the sum in that column (on the slide it is required two frames later). Training and validation
    have numbers of 10 bits, the test has twice as many.
    """
    title = f"binary addition, trained with {FRAMES['train'] - 1} bits, tested with {FRAMES['test'] - 1}"
    return lengthening_task("binary_addition", title, sums, FRAMES, SAMPLES, 2, seed, ("hinton_rnn",), ADDER)
