"""The card of a communication study, loaded and checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.experiments.findings import FindingCard
from neurorec.experiments.study import beside
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.chips.link import Link, load_link
from neurorec.learning.rule import Messages, rules
from neurorec.tasks.task import load_task
from neurorec.training import load_pair

FORMULAS = ("patarasuk2009", "gloo", "hockney1994")


class PublishedRule(Card):
    """A rule that is not one of ours, as it is published: see `Messages` for the keys."""

    title: str
    needs: list[str]  #: capabilities, as our own rules declare them
    errors: bool
    signals: Literal["none", "outputs", "one"]
    online: bool
    why: str
    sources: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class CountedRule:
    """What is known of a rule that a net is counted by."""

    title: str
    messages: Messages
    needs: frozenset[str]


class NetCard(Card):
    """One net: trained as its pair card says, then counted as if each of `count_rules` trained it."""

    pair: str
    half: Literal["rate", "spiking"]
    rule: str
    task: str
    count_rules: list[str] = Field(min_length=1)


class CommunicationFinding(FindingCard):
    """A claim about one net: bytes or waits of an epoch, a ratio to those of another rule, or a crossover."""

    measure: Literal["bytes", "waits", "crossover", "ring bytes / formula"]
    pair: str = ""
    half: str = ""
    rule: str = ""  #: empty where samples are shared: it then makes no difference to bytes
    merge: Literal["", "every update", "once an epoch"] = ""
    workers: PositiveInt | None = None
    over: str = ""  #: a rule: our number divided by that rule's
    link: str = ""  #: of a crossover of joules
    chip: str = ""


class QuickCommunication(Card):
    """What `--quick` cuts: for a look at the machinery, never for a result."""

    seeds: list[int] = Field(min_length=1)
    max_epochs: PositiveInt
    max_samples: PositiveInt
    ring_workers: list[PositiveInt]


class CommunicationStudy(Card):
    """The card experiments/NAME.toml of a communication study."""

    kind: Literal["communication"]
    about: str
    question: str
    published_rule: dict[str, PublishedRule] = Field(default_factory=dict)  #: counted beside our own
    net: list[NetCard] = Field(min_length=1)
    batch_size: PositiveInt  #: samples between two merges, and samples that run side by side
    workers: list[PositiveInt] = Field(min_length=2)
    seeds: list[int] = Field(min_length=1)
    links: list[str] = Field(min_length=1)
    report_links: list[str] = Field(min_length=1)  #: those that the page draws; the others are in its tables
    unit_links: list[str] = Field(min_length=1)  #: the same where units are shared: a line for each rule and link
    chips: list[str]
    largest_hidden: PositiveInt  #: of the nets in which crossovers over size are looked for
    ring_workers: list[PositiveInt]  #: how many real processes check the ring
    quick: QuickCommunication
    finding: list[CommunicationFinding] = Field(default=[])
    remarks: list[str] = Field(default=[])

    @property
    def pairs(self) -> list[str]:
        return list(dict.fromkeys(Path(net.pair).stem for net in self.net))

    def rule(self, name: str) -> CountedRule:
        """The rule `name`: ours, or published. Raises `InputError` for one whose communication is not known."""
        if name in rules:
            rule = rules[name]
            return CountedRule(rule.title, rule.messages, rule.needs)
        if name not in self.published_rule:
            known = [*rules, *self.published_rule]
            raise InputError(
                f'what rule "{name}" communicates is not known{did_you_mean(name, known)}; known: {", ".join(known)}; '
                f"a published one gets a table [published_rule.{name}]"
            )
        card = self.published_rule[name]
        messages = Messages(card.errors, card.signals, card.online, card.why, tuple(card.sources))
        return CountedRule(card.title, messages, capabilities(*card.needs))

    @model_validator(mode="after")
    def _fits_together(self) -> "CommunicationStudy":
        if sorted(set(self.workers)) != self.workers or self.workers[0] != 1:
            raise ValueError(f"workers: from 1 upward, each number once (got {self.workers})")
        for key in ("report_links", "unit_links"):
            if strange := [link for link in getattr(self, key) if link not in self.links]:
                raise ValueError(f'{key}: "{strange[0]}" must be one of links ({", ".join(self.links)})')
        for net in self.net:
            try:
                counted = [self.rule(name) for name in net.count_rules]
            except InputError as error:
                raise ValueError(f"net: {error}") from None
            for rule in counted if net.half == "rate" else []:
                if "spike traces" in rule.needs:
                    raise ValueError(
                        f"net: {net.pair}, rate half: {rule.title} pairs spikes, and its units send values"
                    )
        for claim in self.finding:
            self._check_claim(claim)
        return self

    def _check_claim(self, claim: CommunicationFinding) -> None:
        """Raises `ValueError` for a claim about something that is not counted."""
        if claim.measure == "ring bytes / formula":
            return
        counted = {(Path(net.pair).stem, net.half): net.count_rules for net in self.net}
        if (claim.pair, claim.half) not in counted:
            known = ", ".join(" ".join(net) for net in counted)
            raise ValueError(f'finding "{claim.claim}": {claim.pair} {claim.half} is none of the nets ({known})')
        rules = counted[claim.pair, claim.half]
        for rule in filter(None, (claim.rule, claim.over)):
            if rule not in rules:
                raise ValueError(f'finding "{claim.claim}": "{rule}" is none of its count_rules ({", ".join(rules)})')


@dataclass(frozen=True)
class LoadedCommunication:
    """A communication study with every card it names loaded and checked."""

    name: str
    path: Path
    card: CommunicationStudy
    links: dict[str, Link]
    chips: dict[str, Chip]

    def sources(self) -> list[str]:
        """Citation keys of everything that takes part, in alphabetical order."""
        keys: set[str] = set(FORMULAS)
        for net in self.card.net:
            keys.update(load_pair(net.pair).card.sources, load_task(net.task, seed=0).sources)
            for rule in net.count_rules:
                keys.update(self.card.rule(rule).messages.sources)
        for part in (*self.links.values(), *self.chips.values()):
            keys.update(part.sources())
        return sorted(keys)


def load_communication(name: str | Path) -> LoadedCommunication:
    """The communication study `name` (from the catalogue, or a path to a card), refused if it cannot work.

    Pairs named in a card given by path are looked up beside that card first.
    """
    path = find_card("experiments", name)
    card = load_card(path, CommunicationStudy)
    nets = [net.model_copy(update={"pair": str(beside(path, net.pair))}) for net in card.net]
    card = card.model_copy(update={"net": nets})
    for net in card.net:
        pair = load_pair(net.pair)
        half = pair.rate if net.half == "rate" else pair.spiking
        half.training(net.rule, net.task)  # refuses a training that the pair card does not state
    links = {link: load_link(link) for link in card.links}
    return LoadedCommunication(path.stem, path, card, links, {chip: load_chip(chip) for chip in card.chips})
