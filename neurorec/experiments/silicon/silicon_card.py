"""The card of a silicon validation: what is fitted, what is assumed, what we have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from neurorec.basics.cards import Card, find_card, load_card
from neurorec.basics.citations import cite
from neurorec.basics.numbers import CountOrZero, Distinct, Share
from neurorec.experiments.findings import FindingCard


class SiliconFinding(FindingCard):
    """A claim about the predicted points of one set."""

    set: str
    measure: Literal["mean_error", "worst_factor"] = "mean_error"


class SiliconValidation(Card):
    """The card experiments/NAME.toml of a study that compares estimates with measurements, without training."""

    kind: Literal["silicon_validation"]
    about: str
    question: str
    fitted_runs: Distinct[str] = Field(min_length=3)
    loihi_spikes_per_step: Share
    loihi_branches_unseen: Distinct[CountOrZero]
    sources: Distinct[str] = Field(min_length=1)
    finding: list[SiliconFinding] = Field(default=[])
    remarks: Distinct[str] = Field(default=[])


@dataclass(frozen=True)
class LoadedValidation:
    name: str
    path: Path
    card: SiliconValidation

    def sources(self) -> list[str]:
        return sorted(self.card.sources)


def load_validation(name: str | Path) -> LoadedValidation:
    """Raises `InputError` for an unknown study, an invalid card, or an unknown source."""
    path = find_card("experiments", name)
    card = load_card(path, SiliconValidation)
    for source in card.sources:
        cite(source)
    return LoadedValidation(path.stem, path, card)
