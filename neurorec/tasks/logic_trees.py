"""Values of boolean expressions, given as trees: training on shallow ones, tests on deeper ones."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from neurorec.basics.seeds import numpy_generator
from neurorec.basics.tree import NONE
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import SPLITS, Split, fit_ridge
from neurorec.tasks.objectives.step_classification import StepClassification
from neurorec.tasks.task import Task, tasks

SYMBOLS = ("false", "true", "not", "and", "or")
FALSE, TRUE, NOT, AND, OR = range(5)
DUAL = {FALSE: TRUE, TRUE: FALSE, NOT: NOT, AND: OR, OR: AND}  #: swapping them all negates an expression
DEPTHS: dict[Split, tuple[int, ...]] = {"train": (1, 2, 3, 4), "validation": (5,), "test": (6, 7, 8)}
SAMPLES: dict[Split, int] = {"train": 1600, "validation": 200, "test": 450}

ARGUMENTS = (0, 0, 1, 2, 2)

Node = tuple[int, int, bool]  #: symbol, parent, value


class TreeValues(StepClassification):
    """The value of every node in the mask, true or false; scored at the roots, too."""

    size, symbols, labels = "depth", ("F", "T", *SYMBOLS[NOT:]), ("false", "true")

    def sizes(self, batch: Batch) -> Tensor:
        """[B] the depth of each tree: its longest path from the root to a leaf."""
        return batch.trees.heights(batch.lengths).max(0).values

    def text(self, batch: Batch, answers: Tensor, sample: int) -> tuple[str, str, str]:
        """An expression, its value, and its value according to answers [F, B, 2]."""
        waiting: list[str] = []
        length = len(batch.x) if batch.lengths is None else int(batch.lengths[sample])
        for symbol in batch.x[: length : batch.steps_per_frame, sample].argmax(1).tolist():
            taken = [waiting.pop() for _ in range(min(ARGUMENTS[symbol], len(waiting)))][::-1]
            joined = f" {SYMBOLS[symbol]} ".join(taken) if symbol != NOT else f"not {' '.join(taken)}"
            waiting.append(f"({joined})" if taken else SYMBOLS[symbol])
        root = int(batch.frame_mask[:, sample].nonzero()[-1])
        wanted, said = (self.labels[int(labels[root, sample])] for labels in (batch.answers, answers.argmax(2)))
        return " ".join(waiting), wanted, said

    def scores(self, y: Tensor, batch: Batch) -> dict[str, float]:
        right = y.argmax(2) == batch.answers
        present = batch.trees.present(batch.lengths)
        found = super().scores(y, batch)
        return {
            self.metric: found[self.metric],
            "values of roots": float(right[present & (batch.trees.parents == NONE)].float().mean()),
            "values of all nodes": float(right[present].float().mean()),
        }

    def baselines(self, task) -> dict[str, dict[Split, float]]:
        found = super().baselines(task)
        return {
            self.chance: found[self.chance],
            "ridge on the bag of symbols": fit_ridge(self, bag_of_symbols, task),
        }


def bag_of_symbols(batch: Batch) -> Tensor:
    """How often each symbol occurs in the subtree of each node, and a constant one: [F, B, 6]."""
    counts, sample = batch.x.clone(), torch.arange(batch.size)
    for frame, parent in enumerate(batch.trees.parents):
        has = parent != NONE
        counts[parent[has], sample[has]] += counts[frame, sample[has]]
    return torch.cat([counts, counts.new_ones(*counts.shape[:2], 1)], 2)


def expression(depth: int, random: np.random.Generator) -> Iterator[int]:
    """The symbols of a random expression of exactly this depth, children before parents."""
    if not depth:
        yield int(random.integers(2))
        return
    symbol = int(random.integers(NOT, OR + 1))
    deepest = int(random.integers(2))  # which of two arguments has the full depth
    for argument in range(1 if symbol == NOT else 2):
        full = symbol == NOT or argument == deepest
        yield from expression(depth - 1 if full else int(random.integers(depth)), random)
    yield symbol


def evaluated(symbols: list[int]) -> list[Node]:
    """The nodes of an expression, with parents and values."""
    parents, values, open_nodes = [NONE] * len(symbols), [False] * len(symbols), []
    for node, symbol in enumerate(symbols):
        children = [open_nodes.pop() for _ in range(ARGUMENTS[symbol])]
        for child in children:
            parents[child] = node
        below = [values[child] for child in children]
        values[node] = {FALSE: False, TRUE: True, NOT: not all(below), AND: all(below), OR: any(below)}[symbol]
        open_nodes.append(node)
    return list(zip(symbols, parents, values, strict=True))


def draw(count: int, depths: tuple[int, ...], random: np.random.Generator) -> list[list[Node]]:
    """Expressions of these depths in turn; half of them are true."""
    found = []
    for number in range(count):
        symbols = list(expression(depths[number % len(depths)], random))
        nodes = evaluated(symbols)
        if nodes[-1][2] != bool(number // len(depths) % 2):
            nodes = [(DUAL[symbol], parent, not value) for symbol, parent, value in nodes]
        found.append(nodes)
    return found


def logic_trees(name: str, every_node: bool, seed: int) -> Task:
    """Random expressions of not, and, or, true and false; one symbol per frame, one-hot on 5 lines, children before parents."""
    random = numpy_generator(seed, "logic_trees")
    drawn = [tree for split in SPLITS for tree in draw(SAMPLES[split], DEPTHS[split], random)]
    total, ends = len(drawn), np.cumsum([0, *(SAMPLES[split] for split in SPLITS)])
    lengths = torch.tensor([len(tree) for tree in drawn])
    T = int(lengths.max())
    symbols, target = torch.zeros(T, total, len(SYMBOLS)), torch.zeros(T, total, dtype=torch.long)
    parents = torch.full((T, total), NONE)
    for sample, tree in enumerate(drawn):
        symbol, parent, value = (torch.tensor(column) for column in zip(*tree, strict=True))
        symbols[torch.arange(len(tree)), sample, symbol] = 1.0
        parents[: len(tree), sample], target[: len(tree), sample] = parent, value.long()
    frame = torch.arange(T)[:, None]
    return ArrayTask(
        name=name,
        title=f"values of boolean expressions, deeper than in training ({'every node' if every_node else 'root only'})",
        x=symbols,
        target=target,
        mask=frame < lengths if every_node else frame == lengths - 1,
        splits={split: np.arange(ends[k], ends[k + 1]) for k, split in enumerate(SPLITS)},
        outputs=2,
        sources=("bowman2015",),
        objective=TreeValues(),
        lengths=lengths,
        parents=parents,
    )


@tasks.register("logic_trees")
def from_roots(seed: int) -> Task:
    """Is a random expression of not, and, or over constants true? Trained on depth 1 to 4, tested on depth 6 to 8.

    Only the value of the whole expression is a target.
    """
    return logic_trees("logic_trees", False, seed)


@tasks.register("logic_trees_every_node")
def from_every_node(seed: int) -> Task:
    """As `logic_trees`, with the value of every part of the expression as a target."""
    return logic_trees("logic_trees_every_node", True, seed)
