"""The card of a training study: one question, for pairs x tasks x rules x chips x seeds."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from neurorec.analysis.analysis import RunAnalysis
from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.errors import InputError, did_you_mean, shown
from neurorec.basics.numbers import Count, Distinct, Repeats, Seed
from neurorec.experiments.analyses.analysis_card import (
    QuickAnalyses,
    RunAnalysisCard,
    check_analyses,
    check_claim,
    sources_of,
)
from neurorec.experiments.findings import FindingCard
from neurorec.experiments.search.space import Search, check_search
from neurorec.experiments.several import OneOrSeveral, Together, Words, spelled_out
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.learning.intervention import interventions
from neurorec.learning.rule import rules
from neurorec.tasks.data_files import known
from neurorec.training import LoadedPair, load_pair

TRAINING_KEYS = ("pair", "half", "rule", "task", "control", "metric")
CONTROLS = ("baselines", "frozen recurrence", "other rounding")  #: and the interventions


class Quick(QuickAnalyses):
    """Limits of `--quick`, a smoke test that never gives results."""

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
    """A claim about the test score of one training, or (`minus`) its difference from another, seed by seed; or about the
    `value` of an `analysis` of the trained networks."""

    pair: str = ""
    half: str = ""
    rule: str = ""
    task: str = ""
    control: str = ""
    metric: str = ""  #: one of the run's metrics; default: the main one
    minus: Other | None = None
    analysis: str = ""
    value: str = ""
    at: dict[str, Any] = {}  # noqa: RUF012

    @model_validator(mode="after")
    def _names_a_training_or_an_analysis(self) -> "TrainingFinding":
        given = [name for name in TRAINING_KEYS if getattr(self, name)]
        if self.analysis and (given or self.minus):
            raise ValueError(f"{(given or ['minus'])[0]}: the analysis names its training; remove this key")
        needed = ("value",) if self.analysis else TRAINING_KEYS[:4]
        for name in needed:
            if not getattr(self, name):
                raise ValueError(f"{name}: this key is missing; add it")
        return self

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
    controls: Distinct[str]
    frozen_on: Distinct[str] | None = None  #: the tasks with the control "frozen recurrence"; default: all
    interventions_on: Distinct[str] | None = None  #: the tasks with interventions; default: all
    quick: Quick
    search: Search | None = None  #: how constants are chosen; without it, they are those of the pair cards
    words: Words = {}  # noqa: RUF012  #: for `{key}` in claims and names of analyses
    finding: Annotated[list[Annotated[TrainingFinding, OneOrSeveral]], Together] = Field(default=[])
    analysis: Annotated[list[Annotated[RunAnalysisCard, OneOrSeveral]], Together] = Field(default=[])
    #: of the trained networks, for every seed
    remarks: Distinct[str] = Field(default=[])  #: caveats for readers of the results

    _spelled_out = model_validator(mode="before")(spelled_out)

    @model_validator(mode="after")
    def _report_chip_is_priced(self) -> "Study":
        for key in ("pairs", "chips"):
            refuse_same_stems(key, getattr(self, key))
        if self.chips and self.report_chip not in self.chips:
            raise ValueError(f'report_chip: "{self.report_chip}" must be one of chips ({", ".join(self.chips)})')
        allowed = [*CONTROLS, *interventions]
        for name in self.controls:
            if name not in allowed:
                hint = f"{did_you_mean(name, allowed)}; known: {', '.join(allowed)}"
                raise ValueError(f'controls: "{shown(name)}" is not known{hint}')
        known = [Path(pair).stem for pair in self.pairs]
        claims = [("finding", claim) for claim in self.finding if not claim.analysis]
        for place, each in [*claims, *(("analysis", each) for each in self.analysis)]:
            if each.pair not in known:
                raise ValueError(f'{place}: "{each.pair}" must be one of pairs ({", ".join(known)})')
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
        keys = set(sources_of(self.card.analysis))
        for pair in self.pairs:
            keys.update(pair.card.sources)
            for half in pair.halves:
                keys.update(half.architecture.sources())
                for training in half.trainings:
                    keys.update(rules[training.rule].sources)
                    keys.update(known(training.task).sources)
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
    _check_limits(card, pairs, path.name)
    if card.search is not None:
        check_search(card.search, [one for pair in pairs for half in pair.halves for one in half.trainings], path.name)
    check_analyses(card.analysis, RunAnalysis, card.quick, path.name)
    for claim in card.finding:
        if claim.analysis:
            check_claim(claim, claim.analysis, claim.value, claim.at, card.analysis, path.name)
    return LoadedStudy(path.stem, path, card, pairs, chips)


def _check_limits(card: Study, pairs: Sequence[LoadedPair], where: str) -> None:
    """Raises `InputError` for tasks that no training of the study has, or if their controls were not asked for."""
    known = sorted({training.task for pair in pairs for half in pair.halves for training in half.trainings})
    asked = {"frozen_on": ["frozen recurrence"], "interventions_on": list(interventions)}
    for key, controls in asked.items():
        limited: list[str] | None = getattr(card, key)
        if limited is not None and not any(control in card.controls for control in controls):
            raise InputError(f'{where}: {key}: add "{controls[0]}" to controls, or remove this key')
        for task in limited or []:
            if task not in known:
                hint = f"{did_you_mean(task, known)}; they have: {', '.join(known)}"
                raise InputError(f'{where}: {key}: no pair has a training on "{shown(task)}"{hint}')


def beside(study: Path, name: str) -> str | Path:
    """`name`, or the card file of that name in the study's own folder, so that a user's cards may be kept together."""
    own = study.parent / (name if name.endswith(".toml") else f"{name}.toml")
    return own if os.path.isfile(own) and own != study else name  # which accepts names too long for a file
