"""The tables `[[analysis]]` and `[[finding]]` of a study card, and the card of a study that consists of analyses alone."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator

from neurorec.analysis.analysis import Analysis, AnyAnalysis, Value, analyses, analysis_of
from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.numbers import Distinct, Seed
from neurorec.experiments.findings import FindingCard
from neurorec.experiments.several import OneOrSeveral, Together, Words, spelled_out


def _plain_values(values: list[Any]) -> list[Any]:
    for at, value in enumerate(values):
        if not isinstance(value, int | float | str):
            raise ValueError(f"must be a list of numbers or names (got {value!r:.60})")
        if value in values[:at]:
            raise ValueError(f"{value!r} is listed twice; remove one")
    return values


Swept = Annotated[
    list[Any], Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_plain_values)
]
Settings = dict[str, Any]


class AnalysisCard(Card):
    """One analysis with its settings; `sweep`: it is repeated for every combination of these values."""

    of: str
    name: str = ""  #: by which findings refer to it; default: `of`
    settings: Settings = {}  # noqa: RUF012
    sweep: dict[str, Swept] = {}  # noqa: RUF012

    @property
    def called(self) -> str:
        return self.name or self.of

    def points(self) -> Iterator[Settings]:
        """The combinations of swept values; one empty one if nothing is swept."""
        for values in itertools.product(*self.sweep.values()):
            yield dict(zip(self.sweep, values, strict=True))


class RunAnalysisCard(AnalysisCard):
    """One analysis of the trained networks of a study."""

    pair: str
    half: str
    rule: str
    task: str


AnyCard = TypeVar("AnyCard", bound=AnalysisCard)


class QuickAnalyses(Card):
    """What `--quick` changes: settings and swept values, by name of the analysis or for all of one kind (`of`)."""

    seeds: Distinct[Seed] = Field(min_length=1)
    settings: dict[str, Settings] = {}  # noqa: RUF012
    sweep: dict[str, dict[str, Swept]] = {}  # noqa: RUF012


class AnalysisFinding(FindingCard):
    """A claim about one value of an analysis."""

    analysis: str
    value: str
    at: Settings = {}  # noqa: RUF012  #: the swept values, if there are any


class AnalysisStudy(Card):
    """The card experiments/NAME.toml of a study that trains nothing and analyses model systems."""

    kind: Literal["analysis"]
    about: str
    question: str
    seeds: Distinct[Seed] = Field(min_length=1)
    words: Words = {}  # noqa: RUF012  #: for `{key}` in claims
    analysis: Annotated[list[Annotated[AnalysisCard, OneOrSeveral]], Together] = Field(min_length=1)
    quick: QuickAnalyses
    finding: Annotated[list[Annotated[AnalysisFinding, OneOrSeveral]], Together] = Field(default=[])
    remarks: Distinct[str] = Field(default=[])

    _spelled_out = model_validator(mode="before")(spelled_out)


@dataclass(frozen=True)
class LoadedAnalyses:
    name: str
    path: Path
    card: AnalysisStudy

    def sources(self) -> list[str]:
        return sources_of(self.card.analysis)


def load_analyses(name: str | Path) -> LoadedAnalyses:
    """The study `name`, refused if anything in it cannot work. Raises `InputError`."""
    path = find_card("experiments", name)
    card = load_card(path, AnalysisStudy)
    check_analyses(card.analysis, Analysis, card.quick, path.name)
    for claim in card.finding:
        check_claim(claim, claim.analysis, claim.value, claim.at, card.analysis, path.name)
    return LoadedAnalyses(path.stem, path, card)


def sources_of(cards: Sequence[AnalysisCard]) -> list[str]:
    return sorted({key for card in cards for key in analyses[card.of].sources})


def quickened(card: AnyCard, quick: Any) -> AnyCard:
    """The analysis as `--quick` runs it; what is given for its name takes precedence over what is given for its kind."""
    settings, sweep = (
        getattr(quick, name).get(card.of, {}) | getattr(quick, name).get(card.called, {})
        for name in ("settings", "sweep")
    )
    return card.model_copy(update={"settings": {**card.settings, **settings}, "sweep": {**card.sweep, **sweep}})


def check_analyses(cards: Sequence[AnalysisCard], kind: type[AnyAnalysis], quick: Any, where: str) -> None:
    """Raises `InputError` for unknown analyses, equal names, or settings that are not allowed."""
    names = [card.called for card in cards]
    for at, card in enumerate(cards):
        if card.called in names[:at]:
            raise InputError(f'{where}: two analyses are called "{card.called}"; give them different names')
        try:
            member = analysis_of(card.of, kind)
        except InputError as error:
            raise InputError(f"{where}: analysis {card.called}.of: {error}") from None
        for each, place in ((card, "analysis"), (quickened(card, quick), "quick, analysis")):
            for point in each.points():
                member.settings({**each.settings, **point}, f"{where}: {place} {card.called}")
    allowed = list(dict.fromkeys([*names, *(card.of for card in cards)]))
    for table in ("settings", "sweep"):
        for name in getattr(quick, table):
            if name not in allowed:
                known = f"{did_you_mean(name, allowed)}; known: {', '.join(allowed)}"
                raise InputError(f'{where}: quick.{table}: there is no analysis "{name}"{known}')


def check_claim(
    claim: FindingCard, name: str, value: str, at: Mapping[str, Any], cards: Sequence[AnalysisCard], where: str
) -> None:
    """Raises `InputError` for a claim about something that is not measured, or cannot be judged by a bar."""
    place = f'{where}: finding "{claim.claim}"'
    card = next((card for card in cards if card.called == name), None)
    if card is None:
        names = [card.called for card in cards]
        known = f"{did_you_mean(name, names)}; known: {', '.join(names) or 'none'}"
        raise InputError(f'{place}: there is no analysis "{name}"{known}')
    gives: Mapping[str, Value] = analyses[card.of].gives
    if value not in gives:
        raise InputError(
            f'{place}: {card.of} gives no "{value}"{did_you_mean(value, gives)}; it gives: {", ".join(gives)}'
        )
    if dict(at) not in list(card.points()):
        swept = ", ".join(f"{key} = {values}" for key, values in card.sweep.items()) or "nothing is swept"
        raise InputError(f"{place}: at = {dict(at)} is not a point of the sweep ({swept})")
    if claim.bar is not None and gives[value].higher_is_better is None:
        raise InputError(f'{place}: neither high nor low is better for "{value}"; give between = [low, high], not bar')
