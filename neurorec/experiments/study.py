"""The card of a training study: one question, for pairs x tasks x rules x chips x seeds."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.numbers import Count, Distinct, Repeats, Seed
from neurorec.experiments.findings import FindingCard
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.learning.rule import rules
from neurorec.tasks.task import load_task
from neurorec.training import LoadedPair, load_pair

Control = Literal["baselines", "frozen recurrence", "other rounding"]


class Quick(Card):
    """Limits of `--quick`, a smoke test that never gives results."""

    seeds: Distinct[Seed] = Field(min_length=1)
    max_epochs: Repeats
    max_samples: Count


class Other(Card):
    """How the runs of the other training differ from the claim's own."""

    pair: str | None = None
    half: str | None = None
    rule: str | None = None
    task: str | None = None
    control: str | None = None

    def chosen(self) -> dict[str, str]:
        return {name: value for name, value in self if value is not None}


class TrainingFinding(FindingCard):
    """A claim about the test score of one training, or (`minus`) its difference from another, seed by seed."""

    pair: str
    half: str
    rule: str
    task: str
    control: str = ""
    metric: str = ""  #: one of the run's metrics; default: the main one
    minus: Other | None = None

    def chosen(self) -> dict[str, str]:
        """Fields that select the runs of the claim."""
        return {name: getattr(self, name) for name in ("pair", "half", "rule", "task", "control")}


class Study(Card):
    """The card experiments/NAME.toml of a training study."""

    kind: Literal["training"] = "training"
    about: str
    question: str
    pairs: Distinct[str] = Field(min_length=1)
    chips: Distinct[str]
    report_chip: str
    seeds: Distinct[Seed] = Field(min_length=1)
    controls: Distinct[Control]
    quick: Quick
    finding: list[TrainingFinding] = Field(default=[])
    remarks: Distinct[str] = Field(default=[])  #: caveats for readers of the results

    @model_validator(mode="after")
    def _report_chip_is_priced(self) -> "Study":
        for key in ("pairs", "chips"):
            refuse_same_stems(key, getattr(self, key))
        if self.chips and self.report_chip not in self.chips:
            raise ValueError(f'report_chip: "{self.report_chip}" must be one of chips ({", ".join(self.chips)})')
        for claim in self.finding:
            if claim.pair not in (known := [Path(pair).stem for pair in self.pairs]):
                raise ValueError(f'finding: "{claim.pair}" must be one of pairs ({", ".join(known)})')
        return self


def refuse_same_stems(key: str, cards: list[str]) -> None:
    """Raises ValueError if two cards have the same name, even in different folders: their results could not be told apart."""
    stems = [Path(card).stem for card in cards]
    for at, stem in enumerate(stems):
        if stem in stems[:at]:
            raise ValueError(f'{key}: "{cards[at]}" is listed twice; remove one, or rename a card')


@dataclass(frozen=True)
class LoadedStudy:
    """A study with all its cards loaded and checked."""

    name: str
    path: Path
    card: Study
    pairs: tuple[LoadedPair, ...]
    chips: dict[str, Chip]

    def sources(self) -> list[str]:
        """Citation keys of all cards, cells, rules and tasks of the study, in alphabetical order."""
        keys: set[str] = set()
        for pair in self.pairs:
            keys.update(pair.card.sources)
            for half in pair.halves:
                keys.update(half.architecture.sources())
                for training in half.trainings:
                    keys.update(rules[training.rule].sources)
                    keys.update(load_task(training.task, seed=0).sources)
        for chip in self.chips.values():
            keys.update(chip.sources())
        return sorted(keys)


def load_study(name: str | Path) -> LoadedStudy:
    """The study `name` (from the catalogue, or a path to a card), refused if anything in it cannot work.

    For a card given by path, pairs are first looked up in the same folder.
    """
    path = find_card("experiments", name)
    card = load_card(path, Study)
    pairs = tuple(load_pair(beside(path, pair)) for pair in card.pairs)
    chips = {chip: load_chip(beside(path, chip)) for chip in card.chips}
    return LoadedStudy(path.stem, path, card, pairs, chips)


def beside(study: Path, name: str) -> str | Path:
    """`name`, or the card file of that name in the study's own folder, so that a user's cards may be kept together."""
    own = study.parent / (name if name.endswith(".toml") else f"{name}.toml")
    return own if os.path.isfile(own) and own != study else name  # which accepts names too long for a file
