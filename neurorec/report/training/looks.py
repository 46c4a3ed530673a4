"""Colour, marker and line of every network, the same on the whole page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neurorec.report.plots.style import HALF_COLOURS, INK, MARKERS, PAIR_COLOURS, PAPER
from neurorec.report.training.summary import Group


@dataclass(frozen=True)
class Looks:
    """Colour, marker and line of a group, the same on the whole page.

    One colour per pair and one marker per network and rule; or, where rules are compared, one colour per half and one marker
    per pair and rule.
    """

    colours: dict[str, str]
    markers: dict[tuple[str, ...], str]
    by_half: bool

    def of(self, group: Group, **changes: Any) -> dict[str, Any]:
        """Arguments of `Axes.plot`, with `changes`; controls are hollow, rate-based networks dashed."""
        colour = self.colours.get(group.half if self.by_half else group.pair, INK)
        return {
            "color": colour,
            "marker": self.markers.get(_key(self.by_half)(group), "o"),
            "markerfacecolor": PAPER if group.control else colour,
            "linestyle": "--" if group.half == "rate" else "-",
            "markersize": 6.5,
        } | changes


def _key(by_half: bool) -> Callable[[Group], tuple[str, ...]]:
    return (lambda group: (group.pair, group.rule)) if by_half else (lambda group: group.key)


def looks_of(groups: list[Group], by_half: bool = False) -> Looks:
    pairs = list(dict.fromkeys(group.pair for group in groups if group.pair))
    keys = list(dict.fromkeys(_key(by_half)(group) for group in groups if group.pair))
    colours = HALF_COLOURS if by_half else {pair: PAIR_COLOURS[at % len(PAIR_COLOURS)] for at, pair in enumerate(pairs)}
    return Looks(colours, {key: MARKERS[at % len(MARKERS)] for at, key in enumerate(keys)}, by_half)
