"""Pattern recall: random patterns are stored, and must be retrieved from corrupted cues (Hopfield 1982)."""

import numpy as np
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.objective import Split, objectives
from neurorec.tasks.task import Task, tasks

PATTERNS = 20
UNITS = 200  # 0.1 patterns per unit; Hebbian weights can store up to about 0.138 (Amit, Gutfreund & Sompolinsky 1985)
CUES: dict[Split, int] = {"validation": 5, "test": 10}  #: per pattern


@tasks.register("pattern_recall")
def pattern_recall(seed: int) -> Task:
    """20 random patterns of +1 and -1 on 200 units, to be recalled from cues with 20 flipped values.

    Training shows the patterns; validation and test show cues, and the target is the pattern.
    """
    return _recall("pattern_recall", seed, flipped=20)


@tasks.register("pattern_recall_hard")
def pattern_recall_hard(seed: int) -> Task:
    """As pattern_recall, with the same patterns, but 60 of the 200 values of each cue are flipped."""
    return _recall("pattern_recall_hard", seed, flipped=60)


def _recall(name: str, seed: int, flipped: int) -> ArrayTask:
    patterns = numpy_generator(seed, "patterns").choice([-1.0, 1.0], (PATTERNS, UNITS)).astype(np.float32)
    rng, x, target = numpy_generator(seed, name), [patterns], [patterns]
    for count in CUES.values():
        wanted = patterns.repeat(count, axis=0)
        places = rng.random(wanted.shape).argsort(axis=1) < flipped
        x.append(np.where(places, -wanted, wanted))
        target.append(wanted)
    numbers = np.split(np.arange(sum(map(len, x))), np.cumsum([len(part) for part in x])[:-1])
    return ArrayTask(
        name=name,
        title=f"recall {PATTERNS} random patterns from cues with {flipped / UNITS:.0%} of their values flipped",
        x=torch.from_numpy(np.concatenate(x))[None],
        target=torch.from_numpy(np.concatenate(target)),
        mask=torch.tensor([True]),
        splits=dict(zip(("train", *CUES), numbers, strict=True)),
        outputs=UNITS,
        sources=("hopfield1982", "amit1985"),
        objective=objectives["pattern_completion"](),
    )
