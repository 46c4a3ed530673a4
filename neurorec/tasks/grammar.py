"""Grammars that branch at random: their strings, the probabilities of the next symbol, and the task of predicting it."""

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.machine import Machine, one_hot
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.objectives.next_symbol import NextSymbol

SYMBOLS = "BTSXPVE"
ABOVE = "nats above the grammar"
Branches = list[dict[str, int]]  #: for each state, the possible symbols and the states to which they lead


def strings(grammar: Branches, count: int, random: np.random.Generator) -> list[str]:
    """Random strings of the grammar; if two symbols are legal, both are equally likely."""
    found = []
    for _ in range(count):
        state, string = 0, ""
        while state < len(grammar):
            legal = list(grammar[state])
            string += legal[int(random.integers(len(legal)))]
            state = grammar[state][string[-1]]
        found.append(string)
    return found


def chances(grammar: Branches, following: Tensor) -> Tensor:
    """Probabilities [F, B, 7] that the grammar assigns to each next symbol, for strings [F, B] after their first symbol."""
    share = torch.zeros(len(grammar) + 1, len(SYMBOLS), dtype=torch.float64)
    leads = torch.full(share.shape, len(grammar))
    for state, branch in enumerate(grammar):
        for symbol, to in branch.items():
            share[state, SYMBOLS.index(symbol)], leads[state, SYMBOLS.index(symbol)] = 1 / len(branch), to
    states = [torch.full(following.shape[1:], grammar[0]["B"])]
    for symbols in following[:-1]:
        states.append(leads[states[-1], symbols])
    return share[torch.stack(states)]


def machine_of(grammar: Branches) -> Machine:
    """The automaton that shows which symbols may follow. It never reads the last symbol, and shows nothing before the first."""
    inside = [{symbol: to for symbol, to in branch.items() if to < len(grammar)} for branch in grammar]
    read = [symbol for symbol in SYMBOLS if any(symbol in branch for branch in inside)]
    vectors = one_hot(len(SYMBOLS))
    return Machine(
        symbols=tuple(read),
        coding=tuple(vectors[SYMBOLS.index(symbol)] for symbol in read),
        leads=tuple(tuple(branch.get(symbol) for symbol in read) for branch in inside),
        labels=(None, *(sum(1 << SYMBOLS.index(symbol) for symbol in branch) for branch in grammar[1:])),
        outputs=tuple(SYMBOLS),
        sets=True,
    )


class NextOfGrammar(NextSymbol):
    """Next symbol, with further scores: the excess of the cross-entropy over that of the grammar itself (only chance can make
    it negative), and the share of strings in which every prediction is legal."""

    def __init__(self, grammar: Branches) -> None:
        self.grammar = grammar

    def sense(self, score: str) -> tuple[str, bool]:
        return ("nats/symbol", False) if score == ABOVE else super().sense(score)

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        found, mask, answers = super().scores(y, batch), batch.frame_mask, batch.answers.cpu()
        likely, guesses = chances(self.grammar, answers), y.argmax(2).cpu()
        of_grammar = -likely.gather(2, answers[..., None])[..., 0][mask].log().mean()
        legal = likely.gather(2, guesses[..., None])[..., 0] > 0
        return found | {
            ABOVE: found[self.metric] - float(of_grammar),
            "strings guessed legally": float((legal | ~mask).all(0).float().mean()),
        }


def grammar_task(
    name: str, title: str, objective: NextOfGrammar, samples: dict[Split, int], seed: int, sources: tuple[str, ...],
    trimmed: bool = False,
) -> ArrayTask:  # fmt: skip
    """One symbol per frame, one-hot on 7 lines; the target is the next symbol. Strings are drawn independently."""
    total = sum(samples.values())
    drawn = strings(objective.grammar, total, numpy_generator(seed, name))
    numbers = [[SYMBOLS.index(symbol) for symbol in string] for string in drawn]
    lengths = torch.tensor([len(string) - 1 for string in numbers])
    T = int(lengths.max())
    x, target = torch.zeros(T, total, len(SYMBOLS)), torch.zeros(T, total, dtype=torch.int64)
    for sample, string in enumerate(numbers):
        x[torch.arange(len(string) - 1), sample, torch.tensor(string[:-1])] = 1.0
        target[: len(string) - 1, sample] = torch.tensor(string[1:])
    ends = np.cumsum([samples[split] for split in SPLITS])[:2]
    train, validation, test = np.split(np.arange(total), ends)
    return ArrayTask(
        name=name,
        title=title,
        x=x,
        target=target,
        mask=torch.arange(T)[:, None] < lengths,
        splits={"train": train, "validation": validation, "test": test},
        outputs=len(SYMBOLS),
        sources=sources,
        objective=objective,
        lengths=lengths,
        machine=machine_of(objective.grammar),
        trimmed=trimmed,
    )
