"""The card of a communication study, loaded and checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from neurorec.basics.capabilities import capabilities
from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.errors import InputError, did_you_mean, needed
from neurorec.basics.numbers import Count, Distinct, Repeats, Seed, Workers
from neurorec.experiments.findings import FindingCard
from neurorec.experiments.study import beside, refuse_same_stems
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.chips.link import Link, load_link
from neurorec.learning.rule import Messages, rules
from neurorec.tasks.data_files import known
from neurorec.training import load_pair

FORMULAS = ("patarasuk2009", "gloo", "hockney1994")


class PublishedRule(Card):
    """A published rule that is not implemented here: see `Messages` for the keys."""

    title: str
    needs: Distinct[str]  #: capabilities, as declared by rules
    errors: bool
    signals: Literal["none", "outputs", "one"]
    online: bool
    why: str
    sources: Distinct[str] = Field(min_length=1)


@dataclass(frozen=True)
class CountedRule:
    """What is known about a rule for which a network is counted."""

    title: str
    messages: Messages
    needs: frozenset[str]


class NetCard(Card):
    """One network: trained as defined by its pair card, then counted as if trained by each of `count_rules`."""

    pair: str
    half: Literal["rate", "spiking"]
    rule: str
    task: str
    count_rules: Distinct[str] = Field(min_length=1)


class CommunicationFinding(FindingCard):
    """A claim about one network: bytes or waits per epoch, a ratio to those of another rule, or a crossover."""

    measure: Literal["bytes", "waits", "crossover", "ring bytes / formula"]
    pair: str = ""
    half: str = ""
    rule: str = ""  #: empty if samples are shared, since bytes then do not depend on it
    merge: Literal["", "every update", "once per epoch"] = ""
    workers: Workers | None = None
    over: str = ""  #: a rule by whose number ours is divided
    link: str = ""  #: for a crossover in joules
    chip: str = ""


class QuickCommunication(Card):
    """Limits of `--quick`, a smoke test that never gives results."""

    seeds: Distinct[Seed] = Field(min_length=1)
    max_epochs: Repeats
    max_samples: Count
    ring_workers: Distinct[Workers]


class CommunicationStudy(Card):
    """The card experiments/NAME.toml of a communication study."""

    kind: Literal["communication"]
    about: str
    question: str
    published_rule: dict[str, PublishedRule] = Field(default_factory=dict)  #: counted together with our own
    net: list[NetCard] = Field(min_length=1)
    batch_size: Count  #: samples between two merges, and samples that run in parallel
    workers: Distinct[Workers] = Field(min_length=2)
    seeds: Distinct[Seed] = Field(min_length=1)
    links: Distinct[str] = Field(min_length=1)
    report_links: Distinct[str] = Field(min_length=1)  #: those that the page plots; the others are in its tables
    unit_links: Distinct[str] = Field(min_length=1)  #: the same for shared units: one line per rule and link
    chips: Distinct[str]
    largest_hidden: Count  #: largest network size in the search for crossovers
    ring_workers: Distinct[Workers]  #: numbers of real processes that check the ring
    quick: QuickCommunication
    finding: list[CommunicationFinding] = Field(default=[])
    remarks: Distinct[str] = Field(default=[])

    @property
    def pairs(self) -> list[str]:
        return list(dict.fromkeys(Path(net.pair).stem for net in self.net))

    def rule(self, name: str) -> CountedRule:
        """The rule `name`, implemented or published. Raises `InputError` if its communication is not known."""
        if name in rules:
            rule = rules[name]
            missing = f'rule "{name}" does not declare the messages between parts of a network; define {rule.__name__}.messages'
            return CountedRule(rule.title, needed(rule.messages, missing), rule.needs)
        if name not in self.published_rule:
            known = [*rules, *self.published_rule]
            raise InputError(
                f'the communication of rule "{name}" is not known{did_you_mean(name, known)}; known: {", ".join(known)}; '
                f"add a table [published_rule.{name}] for a published rule"
            )
        card = self.published_rule[name]
        messages = Messages(card.errors, card.signals, card.online, card.why, tuple(card.sources))
        return CountedRule(card.title, messages, capabilities(*card.needs))

    @model_validator(mode="after")
    def _fits_together(self) -> "CommunicationStudy":
        if sorted(set(self.workers)) != self.workers or self.workers[0] != 1:
            raise ValueError(f"workers must be distinct, in ascending order, starting with 1 (got {self.workers})")
        for key in ("report_links", "unit_links"):
            if strange := [link for link in getattr(self, key) if link not in self.links]:
                raise ValueError(f'{key}: "{strange[0]}" must be one of links ({", ".join(self.links)})')
        for key in ("links", "chips"):
            refuse_same_stems(key, getattr(self, key))
        for at, net in enumerate(self.net):
            if any((net.pair, net.half) == (other.pair, other.half) for other in self.net[:at]):
                raise ValueError(f"net: {net.pair} {net.half} is listed twice; remove one")
            try:
                counted = [self.rule(name) for name in net.count_rules]
            except InputError as error:
                raise ValueError(f"net: {error}") from None
            for rule in counted if net.half == "rate" else []:
                if "spike traces" in rule.needs:
                    raise ValueError(
                        f"net: {net.pair}, rate half: {rule.title} pairs spikes, but its units send values"
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
            raise ValueError(
                f'finding "{claim.claim}": {claim.pair} {claim.half} must be one of the networks ({known})'
            )
        rules = counted[claim.pair, claim.half]
        for rule in filter(None, (claim.rule, claim.over)):
            if rule not in rules:
                raise ValueError(
                    f'finding "{claim.claim}": "{rule}" must be one of its count_rules ({", ".join(rules)})'
                )


@dataclass(frozen=True)
class LoadedCommunication:
    """A communication study with all its cards loaded and checked."""

    name: str
    path: Path
    card: CommunicationStudy
    links: dict[str, Link]
    chips: dict[str, Chip]

    def sources(self) -> list[str]:
        """Citation keys of everything in the study, in alphabetical order."""
        keys: set[str] = set(FORMULAS)
        for net in self.card.net:
            keys.update(load_pair(net.pair).card.sources, known(net.task).sources)
            for rule in net.count_rules:
                keys.update(self.card.rule(rule).messages.sources)
        for part in (*self.links.values(), *self.chips.values()):
            keys.update(part.sources())
        return sorted(keys)


def load_communication(name: str | Path) -> LoadedCommunication:
    """The communication study `name` (from the catalogue, or a path to a card), refused if it cannot work.

    For a card given by path, pairs are first looked up in the same folder.
    """
    path = find_card("experiments", name)
    card = load_card(path, CommunicationStudy)
    nets = [net.model_copy(update={"pair": str(beside(path, net.pair))}) for net in card.net]
    card = card.model_copy(update={"net": nets})
    for net in card.net:
        pair = load_pair(net.pair)
        half = pair.rate if net.half == "rate" else pair.spiking
        half.training(net.rule, net.task)  # raises for a training that the pair card does not have
    links = {link: load_link(link) for link in card.links}
    return LoadedCommunication(path.stem, path, card, links, {chip: load_chip(chip) for chip in card.chips})
