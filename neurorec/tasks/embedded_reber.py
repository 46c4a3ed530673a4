"""The embedded Reber grammar: the second symbol of a string recurs as the last but one (Hochreiter & Schmidhuber 1997)."""

import torch
from torch import Tensor

from neurorec.tasks.batch import Batch
from neurorec.tasks.grammar import Branches, NextOfGrammar, grammar_task
from neurorec.tasks.objective import Split
from neurorec.tasks.reber import REBER
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 256, "validation": 256, "test": 256}


def _inner(first: int, then: str, after: int) -> Branches:
    """A Reber grammar with states numbered from `first`, and one more state, from which `then` leads to `after`."""
    moved: Branches = [{symbol: first + state for symbol, state in branch.items()} for branch in REBER]
    return [*moved, {then: after}]


EMBEDDED: Branches = [{"B": 1}, {"T": 2, "P": 10}, *_inner(2, "T", 18), *_inner(10, "P", 18), {"E": 19}]


class NextReberSymbol(NextOfGrammar):
    """Next symbol of a grammar, and the accuracy on the long-range symbol, the last but one."""

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        answers, guesses = batch.answers.cpu(), y.argmax(2).cpu()
        before, each = batch.frame_mask.sum(0) - 2, torch.arange(batch.size)
        right = guesses[before, each] == answers[before, each]
        return super().scores(y, batch) | {"long-range symbol": float(right.float().mean())}


@tasks.register("embedded_reber")
def embedded_reber(seed: int) -> Task:
    """One symbol per frame, one-hot on 7 lines; the target is the next symbol.

    Strings are drawn independently, so short ones, which are likely, occur in every split.
    """
    title, sources = "next symbol of an embedded Reber string", ("reber1967", "hochreiter1997")
    return grammar_task("embedded_reber", title, NextReberSymbol(EMBEDDED), SAMPLES, seed, sources)
