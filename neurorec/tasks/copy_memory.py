"""Copy memory (as in Bai et al. 2018): repeat ten symbols after a long blank."""

import math

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import torch_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split, counted, same_answer
from neurorec.tasks.objectives.step_classification import StepClassification
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 512, "validation": 128, "test": 512}
ALPHABET, LENGTH, BLANKS = 8, 10, 100  #: symbols to choose from, symbols to copy, T of the paper
FRAMES = BLANKS + 2 * LENGTH
BLANK, MARK = ALPHABET, ALPHABET + 1  #: lines of the input; the blank is also an answer


class Copied(StepClassification):
    """Cross-entropy per frame; a further score is the share of copied symbols that are right."""

    metric = "cross-entropy"
    unit = "nats/step"
    higher_is_better = False
    chance = "symbol frequencies"

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        answers, target = counted(y.double(), batch)
        right = y[-LENGTH:].argmax(2) == batch.answers[-LENGTH:]
        return {
            self.metric: float(torch.nn.functional.cross_entropy(answers, target)),
            "symbols copied": float(right.float().mean()),
        }

    def baselines(self, task) -> dict[str, dict[Split, float]]:
        def frequencies(batch: Batch) -> Tensor:
            return torch.bincount(batch.answers.flatten(), minlength=task.outputs).double().log()

        blank_then_guess = LENGTH * math.log(ALPHABET) / FRAMES  # exact: certain of blanks, guesses among 8 symbols
        return {
            self.chance: same_answer(self, frequencies, task, of_split=True),
            "blanks, then a guess": dict.fromkeys(SPLITS, blank_then_guess),
        }


def draw(count: int, generator: torch.Generator) -> Batch:
    """x [120, count, 10] and the labels [120, count]: symbols 0 to 7, or 8 for a blank."""
    shown = torch.randint(ALPHABET, (LENGTH, count), generator=generator)
    symbols = torch.full((FRAMES, count), BLANK)
    target = symbols.clone()
    symbols[:LENGTH], target[-LENGTH:] = shown, shown
    symbols[-LENGTH - 1] = MARK
    x = torch.nn.functional.one_hot(symbols, ALPHABET + 2).float()
    return Batch(x, target, torch.ones(FRAMES, dtype=torch.bool), per_frame=True)


@tasks.register("copy_memory")
def copy_memory(seed: int) -> Task:
    """Ten of 8 symbols, 99 blanks, a mark and ten blanks, one-hot on 10 lines; after the mark the ten symbols are the targets.

    In all frames before, the target is a blank. Training sequences are drawn afresh in every epoch.
    """
    total = sum(SAMPLES.values())
    whole = draw(total, torch_generator(seed, "copy_memory"))
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])
    objective = Copied()
    return ArrayTask(
        name="copy_memory",
        title=f"copy {LENGTH} symbols after {BLANKS} frames",
        x=whole.x,
        target=whole.answers,
        mask=whole.mask,
        splits={"train": train, "validation": validation, "test": test},
        outputs=ALPHABET + 1,
        sources=("hochreiter1997", "bai2018"),
        objective=objective,
        draw=lambda generator: draw(SAMPLES["train"], generator),
    )
