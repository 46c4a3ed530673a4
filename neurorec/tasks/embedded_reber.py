"""The embedded Reber grammar: the second symbol of a string recurs as the last but one (Hochreiter & Schmidhuber 1997)."""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Split
from neurorec.tasks.objectives.next_symbol import NextSymbol
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 256, "validation": 256, "test": 256}
SYMBOLS = "BTSXPVE"
Branches = list[dict[str, int]]  #: for each state, the possible symbols and the states to which they lead

REBER: Branches = [
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
]


def _inner(first: int, then: str, after: int) -> Branches:
    """A Reber grammar with states numbered from `first`, and one more state, from which `then` leads to `after`."""
    moved: Branches = [{symbol: first + state for symbol, state in branch.items()} for branch in REBER]
    return [*moved, {then: after}]


EMBEDDED: Branches = [{"B": 1}, {"T": 2, "P": 10}, *_inner(2, "T", 18), *_inner(10, "P", 18), {"E": 19}]


def strings(count: int, random: np.random.Generator) -> list[str]:
    """Random strings of the embedded grammar; if two symbols are legal, both are equally likely."""
    found = []
    for _ in range(count):
        state, string = 0, ""
        while state < len(EMBEDDED):
            legal = list(EMBEDDED[state])
            string += legal[int(random.integers(len(legal)))]
            state = EMBEDDED[state][string[-1]]
        found.append(string)
    return found


def chances(following: Tensor) -> Tensor:
    """Probabilities [F, B, 7] that the grammar assigns to each next symbol, for strings [F, B]."""
    share = torch.zeros(len(EMBEDDED) + 1, len(SYMBOLS), dtype=torch.float64)
    leads = torch.full(share.shape, len(EMBEDDED))
    for state, branch in enumerate(EMBEDDED):
        for symbol, to in branch.items():
            share[state, SYMBOLS.index(symbol)], leads[state, SYMBOLS.index(symbol)] = 1 / len(branch), to
    states = [torch.full(following.shape[1:], EMBEDDED[0]["B"])]
    for symbols in following[:-1]:
        states.append(leads[states[-1], symbols])
    return share[torch.stack(states)]


ABOVE = "nats above the grammar"


class NextReberSymbol(NextSymbol):
    """Next symbol, with further scores: the excess of the cross-entropy over that of the grammar itself (only chance can make
    it negative), the share of strings in which every prediction is legal, and the accuracy on the long-range symbol, the
    last but one."""

    def sense(self, score: str) -> tuple[str, bool]:
        return ("nats/symbol", False) if score == ABOVE else super().sense(score)

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        found, mask, answers = super().scores(y, batch), batch.frame_mask, batch.answers.cpu()
        likely, guesses = chances(answers), y.argmax(2).cpu()
        of_grammar = -likely.gather(2, answers[..., None])[..., 0][mask].log().mean()
        legal = likely.gather(2, guesses[..., None])[..., 0] > 0
        before, each = mask.sum(0) - 2, torch.arange(batch.size)
        return found | {
            ABOVE: found[self.metric] - float(of_grammar),
            "strings guessed legally": float((legal | ~mask).all(0).float().mean()),
            "long-range symbol": float((guesses[before, each] == answers[before, each]).float().mean()),
        }


@tasks.register("embedded_reber")
def embedded_reber(seed: int) -> Task:
    """One symbol per frame, one-hot on 7 lines; the target is the next symbol.

    Strings are drawn independently, so short ones, which are likely, occur in every split.
    """
    total = sum(SAMPLES.values())
    numbers = [
        [SYMBOLS.index(symbol) for symbol in string]
        for string in strings(total, numpy_generator(seed, "embedded_reber"))
    ]
    lengths = torch.tensor([len(string) - 1 for string in numbers])
    T = int(lengths.max())
    x, target = torch.zeros(T, total, len(SYMBOLS)), torch.zeros(T, total, dtype=torch.int64)
    for sample, string in enumerate(numbers):
        x[torch.arange(len(string) - 1), sample, torch.tensor(string[:-1])] = 1.0
        target[: len(string) - 1, sample] = torch.tensor(string[1:])
    train, validation, test = np.split(np.arange(total), np.cumsum(list(SAMPLES.values()))[:2])
    return ArrayTask(
        name="embedded_reber",
        title="next symbol of an embedded Reber string",
        x=x,
        target=target,
        mask=torch.arange(T)[:, None] < lengths,
        splits={"train": train, "validation": validation, "test": test},
        outputs=len(SYMBOLS),
        sources=("reber1967", "hochreiter1997"),
        objective=NextReberSymbol(),
        lengths=lengths,
    )
