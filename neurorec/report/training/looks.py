"""Colour, marker and line of every network, the same on the whole page."""

from dataclasses import dataclass
from typing import Any

from neurorec.report.plots.style import INK, MARKERS, PAIR_COLOURS, PAPER
from neurorec.report.training.summary import Group


@dataclass(frozen=True)
class Looks:
    """Colour, marker and line of a group, the same on the whole page: one colour per pair, one marker per network and rule."""

    colours: dict[str, str]
    markers: dict[tuple[str, str, str, str], str]

    def of(self, group: Group, **changes: Any) -> dict[str, Any]:
        """Arguments of `Axes.plot`, with `changes`; controls are hollow, rate-based networks dashed."""
        colour = self.colours.get(group.pair, INK)
        return {
            "color": colour,
            "marker": self.markers.get(group.key, "o"),
            "markerfacecolor": PAPER if group.control else colour,
            "linestyle": "--" if group.half == "rate" else "-",
            "markersize": 6.5,
        } | changes


def looks_of(groups: list[Group]) -> Looks:
    pairs = list(dict.fromkeys(group.pair for group in groups if group.pair))
    keys = list(dict.fromkeys(group.key for group in groups if group.pair))
    return Looks(
        {pair: PAIR_COLOURS[at % len(PAIR_COLOURS)] for at, pair in enumerate(pairs)},
        {key: MARKERS[at % len(MARKERS)] for at, key in enumerate(keys)},
    )
