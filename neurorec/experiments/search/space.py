"""The table `[search]` of a study card: which constants of the trainings are searched, over which values, at what cost."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from neurorec.basics.cards import Card, check_card
from neurorec.basics.errors import InputError, did_you_mean, shown
from neurorec.basics.numbers import Count, Distinct, Range, Repeats, Score, Seed
from neurorec.learning.rule import TrainingCard, rules

Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
EQUAL = ("rule", "task", "epochs")  #: keys of a training that are the same in all its trials
QUICK_TRIALS = 2


class Span(Card):
    """The values that a constant may take: between two ends, on a linear or a logarithmic scale, or one of several. Ends that
    are both integers stand for the integers between them."""

    linear: Range[Whole | Score] | None = None
    log: Range[Whole | Score] | None = None
    choices: Distinct[Whole | Score | str | bool] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "Span":
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            came = " and ".join(given) or "none of them"
            raise ValueError(f"give one of linear = [low, high], log = [low, high] and choices = [...] (got {came})")
        if self.log is not None and self.log[0] <= 0:
            raise ValueError(f"log = {self.log}: both ends must be positive")
        if self.choices is not None and len(self.choices) < 2:
            raise ValueError("choices: give at least two")
        return self

    @property
    def ends(self) -> list[Any]:
        """Values that must be allowed if all are."""
        return self.choices or self.linear or self.log or []

    @property
    def whole(self) -> bool:
        return self.choices is None and all(isinstance(end, int) for end in self.ends)


Spans = dict[str, Span]


class Search(Card):
    """Every training of the study gets the same number of trials, of the same length, on the same seeds."""

    trials: Repeats  #: per training
    epochs: Repeats  #: of a trial, at most; a training with fewer keeps its own number
    samples: Count  #: of the training split, at most
    seeds: Distinct[Seed] = Field(min_length=1)  #: a trial's score is the mean over them
    sampler: Literal["random", "tpe"]
    sampler_seed: Seed
    shared: Spans = {}  # noqa: RUF012  #: for every rule that has the key
    rules: dict[str, Spans] = {}  # noqa: RUF012  #: for one rule; takes precedence over `shared`
    fixed: dict[str, str] = {}  # noqa: RUF012  #: rules whose constants are those of the card, and why

    def spans_of(self, rule: str) -> Spans:
        """What is searched for trainings by `rule`."""
        if rule in self.fixed:
            return {}
        known = rules[rule].Card.model_fields
        return {key: span for key, span in self.shared.items() if key in known} | self.rules.get(rule, {})

    def quickened(self, max_epochs: int, max_samples: int) -> "Search":
        """The search of a quick run."""
        return self.model_copy(update={
            "trials": min(self.trials, QUICK_TRIALS), "epochs": min(self.epochs, max_epochs),
            "samples": min(self.samples, max_samples), "seeds": self.seeds[:1],
        })  # fmt: skip


def check_search(search: Search, trainings: Sequence[TrainingCard], file: str) -> None:
    """Raises `InputError` if a rule or key of the search is not one of these trainings, or a value is not allowed for one."""
    used = sorted({training.rule for training in trainings})
    for place, names in (("rules", search.rules), ("fixed", search.fixed)):
        for name in names:
            if name not in used:
                hint = f"{did_you_mean(name, used)}; they use: {', '.join(used)}"
                raise InputError(f'{file}: search.{place}: no training of the study is by rule "{shown(name)}"{hint}')
            if place == "fixed" and name in search.rules:
                raise InputError(f"{file}: search.fixed: {name} also has a table search.rules.{name}; remove one")
    searched = [rule for rule in used if rule not in search.fixed]
    _check_keys(search.shared, searched, "shared", file)
    for rule, spans in search.rules.items():
        _check_keys(spans, [rule], f"rules.{rule}", file)
    for rule in searched:
        if not search.spans_of(rule):
            raise InputError(
                f"{file}: search: nothing is searched for rule {rule}, although every rule must get the same budget; add "
                f'[search.rules.{rule}], or give a reason under [search.fixed]: {rule} = "why not"'
            )
    for training in trainings:
        for place, key, value in _values(search, training.rule):
            where = f"{file}: search.{place}.{key}, for {training.rule} on {training.task}"
            check_card({**training.model_dump(), key: value}, rules[training.rule].Card, where)


def _check_keys(spans: Mapping[str, Span], searched: Sequence[str], place: str, file: str) -> None:
    """Raises `InputError` for a key that no searched rule has, or that is the same in all trials."""
    known = sorted({key for rule in searched for key in rules[rule].Card.model_fields if key not in EQUAL})
    for key in spans:
        if key in EQUAL:
            raise InputError(f"{file}: search.{place}: {key} is the same in all trials; remove it")
        if key not in known:
            hint = f"{did_you_mean(key, known)}; known: {', '.join(known)}"
            raise InputError(f'{file}: search.{place}: no training has the key "{shown(key)}"{hint}')


def _values(search: Search, rule: str) -> Iterator[tuple[str, str, Any]]:
    own = search.rules.get(rule, {})
    for key, span in search.spans_of(rule).items():
        for value in span.ends:
            yield f"rules.{rule}" if key in own else "shared", key, value
