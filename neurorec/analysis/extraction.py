"""Finite automata extracted from trained networks: from their labels after test strings, or from clusters of their states."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from neurorec.analysis.reader import Reader
from neurorec.tasks.machine import Machine

String = tuple[int, ...]
Row = tuple
GOOD = 0.999  #: share of labels on which clusters must agree with the network


class _Answers:
    """The network's labels after strings; each string is run only once."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.machine = reader, reader.machine
        self.label: dict[String, int | None] = {(): None}

    def ask(self, strings: Sequence[String]) -> None:
        for length in sorted({len(string) for string in strings}):
            new = sorted({string for string in strings if len(string) == length} - self.label.keys())
            if new:
                last = self.reader.labels(torch.tensor(new))[:, -1].tolist()
                self.label.update(zip(new, last, strict=True))

    def following(self, string: String) -> list[int]:
        """The symbols that may come next: all, or those in the set that the network shows."""
        if not self.machine.sets:
            return list(range(len(self.machine.symbols)))
        label = self.label[string]
        if label is None:
            return [symbol for symbol, to in enumerate(self.machine.leads[0]) if to is not None]
        lines = [self.machine.outputs.index(symbol) for symbol in self.machine.symbols]
        return [symbol for symbol, line in enumerate(lines) if label >> line & 1]

    def rows(self, strings: Sequence[String], depth: int) -> list[Row]:
        """For each string, the labels shown after it and all its continuations by up to `depth` symbols."""
        level = list(strings)
        for _ in range(depth + 1):
            self.ask(level)
            level = [(*string, symbol) for string in level for symbol in self.following(string)]
        return [self._row(string, depth) for string in strings]

    def _row(self, string: String, depth: int) -> Row:
        if depth == 0:
            return (self.label[string],)
        continued = tuple((symbol, self._row((*string, symbol), depth - 1)) for symbol in self.following(string))
        return (self.label[string], continued)


def by_tests(reader: Reader, depth: int, most: int) -> Machine | None:
    """The automaton whose states are the strings that the network continues differently within `depth` symbols (after Myhill
    and Nerode), found from the shortest strings on; None if there are more than `most`."""
    answers = _Answers(reader)
    number: dict[Row, int] = {answers.rows([()], depth)[0]: 0}
    reached: list[String] = [()]
    leads: list[list[int | None]] = []
    for state in reached:  # grows while it is read
        symbols = answers.following(state)
        rows = dict(zip(symbols, answers.rows([(*state, symbol) for symbol in symbols], depth), strict=True))
        for symbol, row in rows.items():
            if row not in number:
                number[row] = len(reached)
                reached.append((*state, symbol))
        if len(reached) > most:
            return None
        every = range(len(reader.machine.symbols))
        leads.append([number[rows[symbol]] if symbol in rows else None for symbol in every])
    labels = tuple(answers.label[string] for string in reached)
    return replace(reader.machine, leads=tuple(map(tuple, leads)), labels=labels).minimal()


def by_clusters(reader: Reader, strings: Tensor, ends: Tensor, most: int, seed: int) -> Machine | None:
    """The automaton whose states are clusters (k-means) of the network's states on strings [N, T] with `ends` symbols each. The
    label of a cluster and where each symbol leads are majorities. The fewest clusters are taken whose labels agree with
    the network's in 99.9 % of the frames; None if `most` are too few."""
    from scipy.cluster.vq import kmeans2

    shown, states = reader.states(strings)
    runs = torch.arange(strings.shape[1]) < ends[:, None]
    points = states[runs].double().numpy()
    for count in range(2, most + 1):
        _, found = kmeans2(points, count, iter=30, minit="++", rng=np.random.default_rng(seed))
        clusters = torch.full(shown.shape, -1)
        clusters[runs] = torch.as_tensor(found, dtype=torch.int64)
        machine = _majorities(reader.machine, strings, clusters, shown, count)
        if agreement(machine, strings, torch.where(runs, shown, -1)) >= GOOD:
            return machine.minimal()
    return None


def _majorities(known: Machine, strings: Tensor, clusters: Tensor, shown: Tensor, count: int) -> Machine:
    """State 0 is the start, state k + 1 is cluster k."""
    before = torch.cat([torch.full((len(strings), 1), 0), clusters[:, :-1] + 1], 1)
    runs = clusters >= 0
    moves = torch.zeros(count + 1, len(known.symbols), count, dtype=torch.int64)
    one = torch.ones((), dtype=torch.int64)
    moves.index_put_((before[runs], strings[runs], clusters[runs]), one, accumulate=True)
    leads = [[int(to.argmax()) + 1 if to.any() else None for to in row] for row in moves]
    labels = [shown[clusters == cluster] for cluster in range(count)]
    majority = [int(found.mode().values) if len(found) else 0 for found in labels]
    return replace(known, leads=tuple(map(tuple, leads)), labels=(None, *majority))


def agreement(machine: Machine, strings: Tensor, shown: Tensor) -> float:
    """Share of labels [N, T] (-1: none) that the machine shows too after the same symbols."""
    leads = torch.tensor(
        [[-1 if to is None else to for to in row] for row in machine.leads] + [[-1] * len(machine.symbols)]
    )
    labels = torch.tensor([-2 if label is None else label for label in machine.labels] + [-2])
    state, right = torch.zeros(len(strings), dtype=torch.int64), []
    for t in range(strings.shape[1]):
        state = leads[state, strings[:, t]]  # -1, the last row, is where nothing leads on
        right.append(labels[state] == shown[:, t])
    counted = shown >= 0
    return float(torch.stack(right, 1)[counted].double().mean())
