"""Layers of a network in words, for `neurorec show`."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from neurorec.models.network import Network
from neurorec.models.wires import INPUT, Along

HOW: dict[Along, str] = {"time": " (delayed)", "tree": " (of the children)", "reading": " (at the end of reading)"}


def in_runs(cards: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Cards by name; more than two equal ones in a row are one entry, "first to last"."""
    for card, same in groupby(cards.items(), key=lambda item: item[1]):
        names = [name for name, _ in same]
        shown = names if len(names) < 3 else [f"{names[0]} to {names[-1]}"]
        yield from ((name, card) for name in shown)


def heard_by(network: Network) -> Iterator[str]:
    """What each layer hears (in a deep network, only where it is not the layer before it), and the constraints on weights."""
    before = INPUT
    for name, _ in network.named_layers():
        wires = network.wires_into(name)
        heard = [wire.source + HOW[wire.along] * (wire.along != "time" or wire.delay) for wire in wires]
        if len(network.layers) < 8 or heard != [before]:
            yield f"{name} hears {', '.join(heard)}"
        before = name
    if len(network.layers) >= 8:
        yield "all other layers hear the one before them"
    yield from (f"constraint: {one}" for one in network.constraints.given)
    yield from (f"{name} learns its initial state" for name, layer in network.named_layers() if layer.learned_start)
