"""Footnotes of a table, each given once for all networks to which it applies."""

import string
from collections.abc import Sequence
from dataclasses import dataclass, field

from neurorec.experiments.results import RunRecord
from neurorec.report.training.summary import Group

SHORT_REASON = 10  #: reasons with more characters become footnotes


@dataclass(frozen=True)
class Footnotes:
    """`lines`: (letter, text); the letter is empty if no cell refers to the note."""

    lines: list[tuple[str, str]]
    letters: dict[tuple[str, str], str] = field(default_factory=dict)  #: (chip, reason) -> letter

    def mark(self, chip: str, reason: str) -> str:
        """The text after "cannot run:": a short reason, or the letter of the note with the reason."""
        letter = self.letters.get((chip, reason))
        return f"({letter})" if letter else reason


def notes_of(groups: list[Group], chips: list[str]) -> Footnotes:
    """For one table: why a chip cannot run a network."""
    refused: dict[tuple[str, str], list[str]] = {}
    for chip in chips:
        for group in groups:
            cost = group.costs.get(chip)
            if cost is not None and not cost.can_run:
                refused.setdefault((chip, cost.why_not), []).append(group.network)
    long = [key for key in refused if len(key[1]) > SHORT_REASON]
    letters = {key: _letter(at) for at, key in enumerate(long)}
    lines = [(letters[key], f"{key[0]} cannot run {_names(refused[key])}: {key[1]}") for key in long]
    return Footnotes(lines, letters)


def about_totals(groups: list[Group], chips: list[str]) -> list[str]:
    """For all tables: one line per chip with the terms missing from its totals, and one per basis of static energy."""
    lines: list[str] = []
    for chip in chips:
        costs = [(group.network, group.costs[chip]) for group in groups if chip in group.costs]
        unpriced: dict[str, list[str]] = {}  # term -> networks that need it
        bases: dict[str, list[str]] = {}
        for network, cost in costs:
            for term in (cost.unpriced or ["some term"]) if cost.can_run and cost.at_least else ():
                unpriced.setdefault(term, []).append(network)
            if cost.can_run and cost.static_basis:
                bases.setdefault(cost.static_basis, []).append(network)
        if unpriced:
            lines.append(f"≥ on {chip}: no price for {'; '.join(_by_networks(unpriced))}")
        lines += [f"static energy on {chip}: {basis} ({_names(networks)})" for basis, networks in bases.items()]
    return lines


def health_notes(runs: Sequence[RunRecord]) -> list[str]:
    """What the health checks found in each training: the finding of its first seed, and the seeds that have any."""
    ailing: dict[tuple[str, str, str], list[RunRecord]] = {}
    for run in runs:
        if run.health and not run.control:
            ailing.setdefault((run.network, run.rule_title, run.task), []).append(run)
    return [
        f"check {', '.join(training)} (seed {', '.join(str(run.seed) for run in found)}): {'. '.join(found[0].health)}"
        for training, found in ailing.items()
    ]


def _by_networks(unpriced: dict[str, list[str]]) -> list[str]:
    """Terms that the same networks need, together: "barrier, management (recurrent LIF)"."""
    together: dict[str, list[str]] = {}
    for term, networks in unpriced.items():
        together.setdefault(_names(networks), []).append(term)
    return [f"{', '.join(terms)} ({networks})" for networks, terms in together.items()]


def _names(networks: list[str]) -> str:
    return ", ".join(dict.fromkeys(networks))


def _letter(at: int) -> str:
    """a to z, then aa, ab ..."""
    return string.ascii_lowercase[at] if at < 26 else _letter(at // 26 - 1) + string.ascii_lowercase[at % 26]
