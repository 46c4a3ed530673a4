"""The Reber grammar (Reber 1967), learned by predicting the next symbol."""

from neurorec.tasks.grammar import Branches, NextOfGrammar, grammar_task
from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 512, "validation": 256, "test": 4096}

REBER: Branches = [
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
]


@tasks.register("reber")
def reber(seed: int) -> Task:
    """Next symbol of a Reber string, one symbol per frame, one-hot on 7 lines.

    Strings are drawn independently, so short ones, which are likely, occur in every split.
    """
    return grammar_task(
        "reber", "next symbol of a Reber string", NextOfGrammar(REBER), SAMPLES, seed, ("reber1967",), trimmed=True
    )
