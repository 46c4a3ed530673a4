"""The link card hardware/links/NAME.toml: energy per bit between workers, speed, and how many workers it can join.

Every number has its evidence, as on a chip card. What no source gives is absent: energy or time over the link is then
"not known", or "at least" if only part of it is missing.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from neurorec.basics.cards import Card, card_names, find_card, load_card
from neurorec.basics.numbers import Price, Range
from neurorec.hardware.chips.evidence import Known, Limit, Pair, Quantity, Time

LINKS = "hardware/links"


class BitEnergy(Quantity):
    """pJ per bit for one transfer over the link (or one hop or one mm of it: see `Link.priced_per`)."""

    unit = "pJ_per_bit"
    pJ_per_bit: Price
    band_pJ_per_bit: Pair | None = None
    scope: Literal["per-term"]


class Bandwidth(Quantity):
    """Per worker and direction."""

    unit = "Gbit_per_s"
    Gbit_per_s: Price
    band_Gbit_per_s: Range[Price] | None = None  #: above 0, since time is divided by it


class Link(Card):
    about: str
    note: str
    joins: Literal["parts of one chip", "neighbouring chips", "devices of one host", "hosts"]
    priced_per: Literal["transfer", "hop", "mm"]
    energy: BitEnergy | None = None
    latency: Time | None = None  #: alpha: time until the first bit of a message arrives
    bandwidth: Bandwidth | None = None
    workers: Limit | None = None  #: how many it can join; absent: no limit was found, and none below 1,024 is assumed

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.energy is None and self.latency is None and self.bandwidth is None:
            raise ValueError("give at least one of [energy], [latency], [bandwidth]")
        if self.joins != "hosts" and self.workers is None:
            raise ValueError(f"a link that joins {self.joins} needs [workers], the number that it can join")
        return self

    def why_not(self, workers: int) -> str | None:
        """Why this link cannot join this number of workers, or None if it can."""
        if self.workers is None or workers <= self.workers.count:
            return None
        return f"it joins {self.joins}, at most {self.workers.count}"

    def facts(self) -> dict[str, Known]:
        """The quantities of the card, by table name."""
        stated = {name: getattr(self, name) for name in ("energy", "latency", "bandwidth", "workers")}
        return {name: fact for name, fact in stated.items() if fact is not None}

    def sources(self) -> list[str]:
        """Citation keys of everything on the card."""
        return sorted({fact.source for fact in self.facts().values()})


def link_names() -> list[str]:
    return card_names(LINKS)


def load_link(name: str | Path) -> Link:
    """The link card `name`: a name from the catalogue or a path to a card.

    Raises
    ------
    InputError
        For an unknown link, or a card with an unknown key, a missing unit, or a band that does not contain its value.
    """
    return load_card(find_card(LINKS, name), Link)
