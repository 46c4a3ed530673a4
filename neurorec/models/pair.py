"""A pair: one rate-based and one spiking network that are to be compared, and what is matched between them.

The card's encoder and training tables belong to floors above this one; they are kept as data here and checked by
`neurorec.training.load_pair`, before anything runs.
"""

from pathlib import Path
from typing import Any

from neurorec.basics.cards import Card, check_card, find_card, read_toml
from neurorec.basics.errors import InputError
from neurorec.models.cell import CellCard, cells
from neurorec.models.readout import LinearCard, readouts


class Matched(Card):
    """What the two halves share, in words that the report repeats."""

    recurrent_units: str
    parameters: str
    input_information: str
    configurations_tried: str


class Half(Card):
    """One network of a pair and its trainings, as data."""

    cell: dict[str, Any]
    readout: dict[str, Any]
    encoder: dict[str, Any]
    training: list[dict[str, Any]]

    def cell_card(self, where: str) -> CellCard:
        return _named(self.cell, where, cells, "cell")

    def readout_card(self, where: str) -> LinearCard:
        return _named(self.readout, where, readouts, "readout")


class Pair(Card):
    """The card models/NAME.toml."""

    about: str
    sources: list[str]
    matched: Matched
    rate: Half
    spiking: Half


def _named(data: dict[str, Any], where: str, registry: Any, kind: str) -> Any:
    if "name" not in data:
        raise InputError(f'{where}.{kind}: the key "name" is missing; known: {", ".join(registry)}')
    try:
        member = registry[data["name"]]
    except InputError as error:
        raise InputError(f"{where}.{kind}.name: {error}") from None
    return check_card(data, member.Card, f"{where}.{kind}")


def read_pair(name: str | Path) -> tuple[Path, Pair]:
    """The pair card `name` (a catalogue name or a path), with cells and readouts checked."""
    path = find_card("models", name)
    pair = check_card(read_toml(path), Pair, where=path.name)
    for half_name, half in (("rate", pair.rate), ("spiking", pair.spiking)):
        half.cell_card(f"{path.name}: {half_name}")
        half.readout_card(f"{path.name}: {half_name}")
    return path, pair
