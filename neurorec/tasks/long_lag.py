"""A long lag without noise (Hochreiter & Schmidhuber 1997, experiment 2a): the first symbol recurs as the last."""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Split
from neurorec.tasks.objectives.next_symbol import NextSymbol
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 56, "validation": 32, "test": 128}
LAG = 100  #: p of the paper: symbols to predict


class FirstRecurs(NextSymbol):
    """Next symbol, and the accuracy on the last one, which only the first one determines."""

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        right = y[-1].argmax(1) == batch.answers[-1]
        return super().scores(y, batch) | {"long-range symbol": float(right.float().mean())}


@tasks.register("long_lag")
def long_lag(seed: int) -> Task:
    """The string x a1 ... a99 x or y a1 ... a99 y, one symbol per frame, one-hot on 101 lines; the target is the next symbol.

    There are only these two strings, so every split has the same ones; a seed draws their order.
    """
    total = sum(SAMPLES.values())
    first = torch.randint(2, (total,), generator=torch_generator(seed, "long_lag"))
    between = (torch.arange(1, LAG) + 1)[:, None].expand(-1, total)
    symbols = torch.cat([first[None], between, first[None]])  # [LAG + 1, N]: 0 and 1 are x and y
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])
    return ArrayTask(
        name="long_lag",
        title=f"the first of {LAG} symbols recurs at the end",
        x=torch.nn.functional.one_hot(symbols[:-1], LAG + 1).float(),
        target=symbols[1:],
        mask=torch.ones(LAG, dtype=torch.bool),
        splits={"train": train, "validation": validation, "test": test},
        outputs=LAG + 1,
        sources=("hochreiter1997",),
        objective=FirstRecurs(),
    )
