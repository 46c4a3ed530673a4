"""Markov models of fixed order and of variable length, whose contexts are the last symbols (Ron, Singer & Tishby 1996)."""

import heapq
import math
from collections import defaultdict
from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor

Context = tuple[int, ...]  #: the last symbols, the latest one first
Counts = dict[Context, np.ndarray]  #: [O] how often each symbol followed, by context


def suffix_counts(symbols: Tensor, following: Tensor, scored: Tensor, longest: int, outputs: int) -> Counts:
    """Counts after all contexts of up to `longest` symbols of sequences [F, B], in the frames `scored`. Contexts that occurred
    only once are not made longer, as nothing more can be learned from them."""
    found: Counts = defaultdict(lambda: np.zeros(outputs, np.int64))
    rows, answers = symbols.T.tolist(), following.T.tolist()
    places = [(b, t) for b, t in zip(*np.nonzero(scored.T.numpy()), strict=True)]
    for length in range(longest + 1):
        if length:
            places = [(b, t) for b, t in places if t + 1 >= length and found[_last(rows[b], t, length - 1)].sum() > 1]
        for b, t in places:
            found[_last(rows[b], t, length)][answers[b][t]] += 1
    return dict(found)


def _last(row: list[int], t: int, length: int) -> Context:
    return tuple(row[t - k] for k in range(length))


def contexts_used(counts: Counts, kept: Collection[Context]) -> int:
    """How many of the kept contexts are the longest one at some place of the training sequences."""
    left = {context: int(counts[context].sum()) for context in kept}
    for context in kept:
        if context:
            left[context[:-1]] -= int(counts[context].sum())
    return sum(number > 0 for number in left.values())


def of_order(counts: Counts, order: int) -> set[Context]:
    """The contexts of a Markov model of this order; shorter ones are for contexts that never occurred."""
    return {context for context in counts if len(context) <= order}


def of_variable_length(counts: Counts, most: int) -> set[Context]:
    """At most `most` contexts in use. From the tree of all contexts, the leaf is removed whose loss costs the least likelihood,
    again and again; the context without its oldest symbol takes over."""
    kept, left = set(counts), {context: int(each.sum()) for context, each in counts.items()}
    children = dict.fromkeys(counts, 0)
    for context, each in counts.items():
        if context:
            children[context[:-1]] += 1
            left[context[:-1]] -= int(each.sum())
    used = sum(number > 0 for number in left.values())
    leaves = [(_gain(counts, context), context) for context in counts if context and not children[context]]
    heapq.heapify(leaves)
    while used > most and leaves:
        _, context = heapq.heappop(leaves)
        shorter = context[:-1]
        kept.remove(context)
        used -= left[shorter] > 0  # otherwise the shorter one takes its place
        left[shorter] += left[context]
        children[shorter] -= 1
        if shorter and not children[shorter]:
            heapq.heappush(leaves, (_gain(counts, shorter), shorter))
    return kept


def _gain(counts: Counts, context: Context) -> float:
    """The log-likelihood of what followed the context, relative to that by the context without its oldest symbol."""
    own, shorter = counts[context], counts[context[:-1]]
    share = math.log(shorter.sum() / own.sum())
    return float(sum(n * (math.log(n / m) + share) for n, m in zip(own.tolist(), shorter.tolist(), strict=True) if n))


def predicted(counts: Counts, kept: set[Context], symbols: Tensor, pseudo_count: float) -> Tensor:
    """log of the shares of next symbols [F, B, O] after the longest kept context at each place of sequences [F, B]."""
    order = sorted(kept)
    number = {context: n for n, context in enumerate(order)}
    table = torch.from_numpy(np.stack([counts[context] for context in order])).double() + pseudo_count
    places = [[number[_longest(kept, row, t)] for t in range(len(row))] for row in symbols.T.tolist()]
    return (table / table.sum(1, keepdim=True)).log()[torch.tensor(places).T]


def _longest(kept: set[Context], row: list[int], t: int) -> Context:
    found: Context = ()
    while len(found) <= t and (longer := (*found, row[t - len(found)])) in kept:
        found = longer
    return found
