"""Accumulation of evidence (Bellec et al. 2020): were there more cues on the left or on the right?"""

import torch

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Split
from neurorec.tasks.objectives.classification import Classification
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 512, "validation": 512, "test": 1024}
CUES = 7
CUE_FRAMES = 3  #: a pause of 50 ms, then 100 ms of the cue
DELAY_FRAMES, DECISION_FRAMES = 21, 3  #: 1050 ms, 150 ms
FRAMES = CUES * CUE_FRAMES + DELAY_FRAMES + DECISION_FRAMES
LINES = 10  #: of each of the 4 groups
LEFT, RIGHT, RECALL, NOISE = (slice(LINES * group, LINES * (group + 1)) for group in range(4))
ON, BACKGROUND = 1.0, 0.25  #: 40 Hz and 10 Hz, if 1 is encoded as 40 Hz
LIKELY = 0.7  #: probability of a cue on the likely side


def draw(count: int, generator: torch.Generator) -> Batch:
    """Trials x [45, count, 40], answered left and right in turn: a trial with the other answer is mirrored."""
    answer = torch.arange(count) % 2
    right = torch.rand(CUES, count, generator=generator) < LIKELY
    right ^= (right.sum(0) > CUES // 2) != answer.bool()
    x = torch.zeros(FRAMES, count, 4 * LINES)
    for cue, on_right in enumerate(right):
        shown = slice(cue * CUE_FRAMES + 1, (cue + 1) * CUE_FRAMES)
        x[shown, :, LEFT] = ON * (~on_right).float()[:, None]
        x[shown, :, RIGHT] = ON * on_right.float()[:, None]
    x[-DECISION_FRAMES:, :, RECALL] = ON
    x[:, :, NOISE] = BACKGROUND
    asked = torch.arange(FRAMES) >= FRAMES - DECISION_FRAMES
    return Batch(x, answer, asked)


@tasks.register("evidence_accumulation")
def evidence_accumulation(seed: int) -> Task:
    """7 cues on the left or on the right, a delay, and the decision: on which side were there more?

    A frame is 50 ms, and a value of 1 stands for 40 Hz on each of the 10 lines of a group: left cues, right cues, the request
    for the decision, and background activity of 10 Hz. A cue lasts 100 ms after a pause of 50 ms, and is on the side that is
    likely in this trial with probability 0.7. The delay of 1050 ms and the decision of 150 ms are as in the authors' published
    program. Training trials are drawn afresh in every epoch.
    """
    whole = draw(sum(SAMPLES.values()), torch_generator(seed, "evidence_accumulation"))
    train, validation, test = torch.arange(whole.size).split(list(SAMPLES.values()))
    return ArrayTask(
        name="evidence_accumulation",
        title=f"more cues on the left or on the right? {CUES} cues, and a decision 1 s later",
        x=whole.x,
        target=whole.answers,
        mask=whole.mask,
        splits={"train": train.numpy(), "validation": validation.numpy(), "test": test.numpy()},
        outputs=2,
        sources=("bellec2020",),
        objective=Classification(segments=3),
        draw=lambda generator: draw(SAMPLES["train"], generator),
    )
