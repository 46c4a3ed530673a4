"""Tasks with an answer per frame, trained on short sequences drawn afresh in every epoch and tested on longer ones."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.machine import Machine
from neurorec.tasks.objective import SPLITS, Split, objectives

Draw = Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]
#: frames T, samples N and a generator to x [T, N, I] and targets [T, N] or [T, N, O]


def lengthening_task(
    name: str, title: str, draw: Draw, frames: dict[Split, int], samples: dict[Split, int], outputs: int, seed: int,
    sources: tuple[str, ...], machine: Machine | None = None, objective: str = "step_classification",
) -> ArrayTask:  # fmt: skip
    """A number of frames per split; x, targets and mask are 0 after the end of a sequence."""
    generator = torch_generator(seed, name)
    parts = {split: draw(frames[split], samples[split], generator) for split in SPLITS}
    lengths = torch.cat([torch.full((samples[split],), frames[split]) for split in SPLITS])
    ends = np.cumsum([0, *(samples[split] for split in SPLITS)])
    T = max(frames.values())

    def padded(part: Tensor) -> Tensor:
        return torch.cat([part, part.new_zeros(T - len(part), *part.shape[1:])])

    def fresh(generator: torch.Generator) -> Batch:
        every_frame = torch.ones(frames["train"], dtype=torch.bool)
        return Batch(*draw(frames["train"], samples["train"], generator), every_frame, per_frame=True)

    return ArrayTask(
        name=name,
        title=title,
        x=torch.cat([padded(parts[split][0]) for split in SPLITS], 1),
        target=torch.cat([padded(parts[split][1]) for split in SPLITS], 1),
        mask=torch.arange(T)[:, None] < lengths,
        splits={split: np.arange(ends[k], ends[k + 1]) for k, split in enumerate(SPLITS)},
        outputs=outputs,
        sources=sources,
        objective=objectives[objective](),
        lengths=lengths,
        draw=fresh,
        machine=machine,
    )
