"""Store and recall: one bit is shown, a delay passes, a cue asks for the bit (after Bellec et al. 2018)."""

import numpy as np
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import Task, tasks

SAMPLES = {"train": 512, "validation": 128, "test": 256}
DELAY_FRAMES = 13  # with frames of 8 ms, 104 ms: more than ten membrane time constants of 10 ms
LONGER_FRAMES = (25, 50)  # 20 and 40 membrane time constants
NOISE_SHARE = 0.1  # distractor activity on two lines that carry no information


@tasks.register("store_recall")
def store_recall(seed: int) -> Task:
    """15 frames on 5 lines: bit 0, bit 1, recall cue, and two distractor lines that flicker at random.

    The first frame shows the bit, the last the recall cue; only there the answer counts. In every split, each bit is shown in
    half of the samples; the distractors make every sample different.
    """
    return _recall("store_recall", DELAY_FRAMES, seed)


def _recall(name: str, delay: int, seed: int) -> Task:
    rng = numpy_generator(seed, name)
    total, T = sum(SAMPLES.values()), delay + 2
    target = np.concatenate([rng.permutation(np.arange(count) % 2) for count in SAMPLES.values()]).astype(np.int64)
    x = np.zeros((T, total, 5), dtype=np.float32)
    x[0, np.arange(total), target] = 1.0
    x[-1, :, 2] = 1.0
    x[1:-1, :, 3:] = rng.random((T - 2, total, 2)) < NOISE_SHARE
    ends = np.cumsum(list(SAMPLES.values()))
    train, validation, test = np.split(np.arange(total), ends[:2])
    return ArrayTask(
        name=name,
        title=f"recall one bit after a delay of {delay} frames",
        x=torch.from_numpy(x),
        target=torch.from_numpy(target),
        mask=torch.arange(T) == T - 1,
        splits={"train": train, "validation": validation, "test": test},
        outputs=2,
        sources=("bellec2018",),
        objective=objectives["classification"](),
    )


def _register(delay: int) -> None:
    name = f"store_recall_{delay}"

    def task(seed: int) -> Task:
        return _recall(name, delay, seed)

    task.__doc__ = f"As `store_recall`, but with {delay} frames between the bit and the cue."
    tasks.register(name)(task)


for _delay in LONGER_FRAMES:
    _register(_delay)
