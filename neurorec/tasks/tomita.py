"""The seven languages of Tomita (1982) over 0 and 1: is the string in the language?"""

import numpy as np
import torch

from neurorec.basics.seeds import numpy_generator
from neurorec.tasks.array_task import ArrayTask
from neurorec.tasks.machine import Machine
from neurorec.tasks.objective import SPLITS, Split, objectives
from neurorec.tasks.task import Task, tasks

SAMPLES: dict[Split, int] = {"train": 1024, "validation": 512, "test": 1024}
FRAMES: dict[Split, tuple[int, int]] = {"train": (1, 12), "validation": (13, 15), "test": (16, 40)}


LANGUAGES: dict[int, tuple[str, Machine]] = {
    number: (about, Machine.acceptor("01", leads, accepting))
    for number, about, leads, accepting in (
        (1, "only 1s", ((1, 0), (1, 1)), (0,)),
        (2, "10 repeated", ((2, 1), (0, 2), (2, 2)), (0,)),
        (3, "no odd number of 1s followed by an odd number of 0s", ((0, 1), (2, 0), (3, 4), (2, 1), (4, 4)), (0, 1, 3)),
        (4, "never 000", ((1, 0), (2, 0), (3, 0), (3, 3)), (0, 1, 2)),
        (5, "even numbers of 0s and of 1s", ((1, 2), (0, 3), (3, 0), (2, 1)), (0,)),
        (6, "numbers of 0s and 1s that differ by a multiple of 3", ((1, 2), (2, 0), (0, 1)), (0,)),
        (7, "0s, then 1s, then 0s, then 1s", ((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), (0, 1, 2, 3)),
    )
}  #: what a string must be, and the minimal complete automaton


def counted_members(language: Machine, longest: int) -> np.ndarray:
    """[longest + 1, states]: the number of strings of each length that lead from each state into the language."""
    counts = np.zeros((longest + 1, language.size))
    counts[0] = language.labels
    for n in range(longest):
        counts[n + 1] = counts[n][np.array(language.leads)].sum(1)
    return counts


def accepts(language: Machine, symbols: np.ndarray) -> np.ndarray:
    """Whether the string up to each symbol of [N, T] is in the language."""
    state, found = np.zeros(len(symbols), dtype=int), np.empty(symbols.shape, dtype=int)
    for t in range(symbols.shape[1]):
        state = np.array(language.leads)[state, symbols[:, t]]
        found[:, t] = np.array(language.labels)[state]
    return found.astype(bool)


def draw(
    language: Machine, shortest: int, longest: int, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Strings [count, longest] (0 after their end) and their lengths [count].

    The first half is in the language and the second is not. Both have the same lengths, drawn uniformly from those at which the
    language has members and non-members; members are drawn uniformly. Every other non-member differs from a member in one
    symbol; the rest are drawn uniformly from all non-members.
    """
    inside = counted_members(language, longest)
    outside = 2.0 ** np.arange(longest + 1)[:, None] - inside
    possible = [n for n in range(shortest, longest + 1) if inside[n, 0] and outside[n, 0]]
    lengths = random.choice(possible, count // 2)
    members = _walk(language, inside, lengths, longest, random)
    others = _walk(language, outside, lengths, longest, random)
    near = np.arange(1, count // 2, 2)
    while len(near):
        others[near] = _walk(language, inside, lengths[near], longest, random)
        changed = random.integers(lengths[near])
        others[near, changed] = 1 - others[near, changed]
        near = near[accepts(language, others[near])[np.arange(len(near)), lengths[near] - 1]]
    return np.concatenate([members, others]), np.concatenate([lengths, lengths])


def _walk(
    language: Machine, ways: np.ndarray, lengths: np.ndarray, longest: int, random: np.random.Generator
) -> np.ndarray:
    """Strings drawn uniformly from those counted in `ways` [length, state]."""
    state, leads = np.zeros(len(lengths), dtype=int), np.array(language.leads)
    symbols = np.zeros((len(lengths), longest), dtype=int)
    for t in range(longest):
        left = lengths - t
        ones, all_ways = ways[np.maximum(left - 1, 0), leads[state, 1]], ways[np.maximum(left, 0), state]
        chosen = (random.random(len(lengths)) * all_ways < ones) & (left > 0)
        symbols[:, t] = chosen
        state = np.where(left > 0, leads[state, symbols[:, t]], state)
    return symbols


def tomita(number: int, seed: int) -> Task:
    """Strings of one of the languages, half of them members, one-hot on 2 lines.

    Training strings have 1 to 12 symbols and a label in every frame, whether the string so far is in the language. Validation
    strings have 13 to 15 and test strings 16 to 40; only the label of the whole string counts there.
    """
    random, (about, language) = numpy_generator(seed, f"tomita_{number}"), LANGUAGES[number]
    T, total = FRAMES["test"][1], sum(SAMPLES.values())
    symbols, lengths = np.zeros((total, T), dtype=int), np.zeros(total, dtype=int)
    splits: dict[Split, np.ndarray] = {}
    start = 0
    for split in SPLITS:
        splits[split] = np.arange(start, start := start + SAMPLES[split])
        drawn, lengths[splits[split]] = draw(language, *FRAMES[split], SAMPLES[split], random)
        symbols[splits[split], : drawn.shape[1]] = drawn
    frame, ends = torch.arange(T)[:, None], torch.as_tensor(lengths)
    runs, trained = frame < ends, torch.arange(total) < SAMPLES["train"]
    labels = torch.as_tensor(accepts(language, symbols).T.astype(np.int64))
    return ArrayTask(
        name=f"tomita_{number}",
        title=f"Tomita language {number} ({about}), tested with longer strings",
        x=torch.nn.functional.one_hot(torch.as_tensor(symbols.T), 2).float() * runs[..., None],
        target=labels * runs,
        mask=runs & (trained | (frame == ends - 1)),
        splits=splits,
        outputs=2,
        sources=("tomita1982",),
        objective=objectives["step_classification"](),
        lengths=ends,
        machine=language,
        trimmed=True,
    )


def _register(number: int) -> None:
    def task(seed: int) -> Task:
        return tomita(number, seed)

    task.__doc__ = (
        f"Tomita language {number}: {LANGUAGES[number][0]}.\n\nTrained with 1 to 12 symbols, tested with 16 to 40."
    )
    tasks.register(f"tomita_{number}")(task)


for _number in LANGUAGES:
    _register(_number)
