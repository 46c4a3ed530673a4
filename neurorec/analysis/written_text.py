"""What a character-level language model writes, and how much of it is known words or copies of the training text."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from neurorec.analysis.analysis import RunAnalysis, Value, analyses
from neurorec.analysis.found import Found, TextSamples
from neurorec.analysis.free_running import FreeRunning, write
from neurorec.basics.seeds import torch_generator
from neurorec.models.network import Network
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import Task
from neurorec.tasks.text import NextCharacter

SHOWN = 3  #: samples on the page
WORD = re.compile(r"[A-Za-z']+")


@analyses.register("written_text")
class WrittenText(RunAnalysis):
    """Each sample continues characters of the test split: the next character is drawn from softmax(output / temperature)
    and fed back. The baseline is a Markov model of order 2 of the training text that writes at the same temperature."""

    Settings = FreeRunning.Settings
    about = "What a character-level language model writes when its own output, drawn at a temperature, is fed back"
    sources = ("wichert_rnn", "karpathy_char_rnn")
    example: ClassVar = {"temperature": 0.8, "samples": 3, "prompt": 8, "length": 40}
    gives: ClassVar = {
        "known words": Value("share of the written words that occur in the training text", "", True),
        "longest quotation": Value("longest run of written characters that occurs in the training text", "characters"),
    }

    def why_not(self, network: Network, task: Task) -> str | None:
        reason = super().why_not(network, task)
        if reason is not None:
            return reason
        return (
            None if isinstance(task.objective, NextCharacter) else "the task is not to predict the characters of a text"
        )

    def run(self, network: Network, task: EncodedTask, settings: FreeRunning.Settings, seed: int) -> Found:  # type: ignore[override]
        objective: NextCharacter = task.objective  # type: ignore[assignment]
        given = write(network, task, settings, torch_generator(seed, "written text"))
        prompts, written = _texts(given[: settings.prompt], objective), _texts(given[settings.prompt :], objective)
        by_counts = markov_text(objective, given[: settings.prompt], settings, torch_generator(seed, "Markov text"))
        source = "".join(objective.alphabet[k] for k in objective.text.tolist())
        values = {
            "known words": known_share(written, source),
            "longest quotation": float(max(longest_quotation(piece, source) for piece in written)),
        }
        baseline = ("Markov model of order 2", known_share(_texts(by_counts, objective), source))
        about = f"Drawn at temperature {settings.temperature:g}; the {settings.prompt} characters before the bar were given."
        pieces = [f"{prompt}|{piece}" for prompt, piece in zip(prompts, written, strict=True)]
        figure = TextSamples(
            f"Written at temperature {settings.temperature:g} ({network.title})", about, pieces[:SHOWN]
        )
        return Found(values, (figure,), {"known words": baseline})


def _texts(symbols: Tensor, objective: NextCharacter) -> list[str]:
    """Symbols [T, B], sample by sample, as text."""
    return ["".join(objective.alphabet[k] for k in sample) for sample in symbols.T.tolist()]


def known_share(pieces: Sequence[str], source: str) -> float:
    """Share of the words in the pieces that are words of the source. The first and last of a piece may be cut off, so
    they do not count."""
    vocabulary = words_of(source)
    written = [word.lower() for piece in pieces for word in WORD.findall(piece)[1:-1]]
    return sum(word in vocabulary for word in written) / len(written) if written else float("nan")


@lru_cache(maxsize=2)
def words_of(source: str) -> frozenset[str]:
    return frozenset(word.lower() for word in WORD.findall(source))


def longest_quotation(piece: str, source: str) -> int:
    """The length of the longest part of the piece that occurs in the source."""
    longest = 0
    for start in range(len(piece)):
        while start + longest < len(piece) and piece[start : start + longest + 1] in source:
            longest += 1
    return longest


def markov_text(
    objective: NextCharacter, prompt: Tensor, settings: FreeRunning.Settings, generator: torch.Generator
) -> Tensor:
    """Symbols [length, samples] drawn from counts of the training text, after the last two of the prompt [T, samples]."""
    A, text = len(objective.alphabet), objective.text
    counts = torch.zeros(A, A, A, dtype=torch.float64)
    counts.index_put_((text[:-2], text[1:-1], text[2:]), torch.ones((), dtype=torch.float64), accumulate=True)
    found = list(torch.cat([prompt[:1], prompt])[-2:])
    for _ in range(settings.length):
        seen = counts[found[-2], found[-1]]
        share = torch.where(seen.sum(1, keepdim=True) > 0, seen, counts.sum((0, 1))) ** (1 / settings.temperature)
        found.append(torch.multinomial(share, 1, generator=generator)[:, 0])
    return torch.stack(found[2:])
