"""A pair: one rate-based and one spiking network to be compared, and what is matched between them.

If the literature has no counterpart for one half, the card says why (`no_spiking_half`, `no_rate_half`). The encoder and
training tables belong to folders above this one; here they are kept as data, and checked by
`neurorec.training.load_pair`, before anything runs.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from neurorec.basics.cards import Card, check_card, parse_toml
from neurorec.basics.numbers import Distinct
from neurorec.models.architecture import Architecture, read_architecture


class Matched(Card):
    """What the two halves share, in words that the report shows."""

    recurrent_units: str
    parameters: str
    input_information: str
    configurations_tried: str


class Half(Card):
    """One network of a pair and its trainings, as data."""

    cell: dict[str, Any] | None = None
    layers: dict[str, dict[str, Any]] | None = None
    energy_model: dict[str, Any] | None = None
    readout: dict[str, Any] | None = None
    encoder: dict[str, Any]
    training: list[dict[str, Any]]

    @model_validator(mode="after")
    def _one_training_per_rule_and_task(self) -> Self:
        named = [(table.get("rule"), table.get("task")) for table in self.training]
        for at, (rule, task) in enumerate(named):
            if (rule, task) in named[:at]:
                raise ValueError(f"training: {rule} on {task} is listed twice; remove one")
        return self

    def architecture(self, where: str) -> Architecture:
        return read_architecture(self.model_dump(), where)


class Pair(Card):
    """The card models/NAME.toml."""

    about: str
    sources: Distinct[str]
    matched: Matched
    rate: Half | None = None
    spiking: Half | None = None
    no_rate_half: str | None = None  #: why there is no rate half
    no_spiking_half: str | None = None

    @model_validator(mode="after")
    def _both_halves_or_a_reason(self) -> Self:
        for name in ("rate", "spiking"):
            half, reason = getattr(self, name), getattr(self, f"no_{name}_half")
            if half is None and not reason:
                raise ValueError(f'give a [{name}] half, or no_{name}_half = "why the literature has none"')
            if half is not None and reason:
                raise ValueError(f"there is a [{name}] half, so remove no_{name}_half")
        if self.rate is None and self.spiking is None:
            raise ValueError("a pair needs at least one half; give [rate] or [spiking]")
        return self

    @property
    def halves(self) -> dict[str, Half]:
        found = {"rate": self.rate, "spiking": self.spiking}
        return {name: half for name, half in found.items() if half is not None}


def parse_pair(text: str, path: Path) -> Pair:
    """The pair card with this text, with the architecture of both halves checked; `path` is only named in messages."""
    pair = check_card(parse_toml(text, path), Pair, where=path.name)
    for half_name, half in pair.halves.items():
        half.architecture(f"{path.name}: {half_name}")
    return pair
