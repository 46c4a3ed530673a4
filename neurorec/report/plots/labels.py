"""Labels beside the markers of a plot, placed so that, if there is room, they cover neither each other nor a marker."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

DEGREES = (
    0,
    *(sign * angle for angle in range(15, 180, 15) for sign in (1, -1)),
    180,
)  #: directions, preferred ones first
STEPS_PT = (3, 6, 11, 17, 24, 32, 42, 54, 68, 84, 104)  #: distance of a label from its marker
LEADER_PT = 5  #: labels farther away are joined to their marker by a line
PAD_PT = 1.0  #: around labels
CAP_PT = 3.0  #: half the width of the ends of an error bar
EDGE_PT = 4.0  #: between labels and the ends of the axes
ROUNDS = 3  #: each round places every label again, among the others


@dataclass(frozen=True)
class Box:
    x0: float
    y0: float
    x1: float
    y1: float

    def shared(self, other: "Box") -> float:
        """The area in both."""
        across = min(self.x1, other.x1) - max(self.x0, other.x0)
        along = min(self.y1, other.y1) - max(self.y0, other.y0)
        return across * along if across > 0 and along > 0 else 0.0

    def has(self, x: float, y: float) -> bool:
        return self.x0 < x < self.x1 and self.y0 < y < self.y1


@dataclass(frozen=True)
class Marked:
    """A marker: its place in data units, its radius and the half length of its error bar."""

    x: float
    y: float
    text: str
    colour: str
    radius_pt: float
    error: float = 0.0


@dataclass(frozen=True)
class LabelPlace:
    """A label's box, and the ends of the line from its marker."""

    box: Box
    line: tuple[tuple[float, float], tuple[float, float]]
    far: float  #: distance from the marker in points

    def on_line(self) -> Iterator[tuple[float, float]]:
        (x0, y0), (x1, y1) = self.line
        return ((x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9))


def label_points(axes: Any, points: Sequence[Marked], levels: Sequence[float], size_pt: float) -> list[Box]:
    """Write each point's text beside it, clear of the horizontal lines at `levels`. Returns the texts' boxes, in pixels.

    The axes must have their final position and limits.
    """
    drawn = axes.figure
    pixel = drawn.dpi / 72
    texts = [axes.text(p.x, p.y, p.text, color=p.colour, fontsize=size_pt, ha="left", va="bottom") for p in points]
    sizes = [(box.width, box.height) for box in (text.get_window_extent() for text in texts)]
    spots = [tuple(axes.transData.transform((p.x, p.y))) for p in points]
    markers = [_around(x, y, p.radius_pt * pixel) for (x, y), p in zip(spots, points, strict=True)]
    inside = _grown(_box(axes.get_window_extent()), -EDGE_PT * pixel, -EDGE_PT * pixel)
    every = [
        list(_places(spot, point.radius_pt * pixel, size, pixel, inside))
        for spot, point, size in zip(spots, points, sizes, strict=True)
    ]
    chosen = _chosen(every, [*markers, *_bars(axes, points, pixel), *_across(axes, levels, pixel)], markers)
    back: Callable[[tuple[float, float]], Any] = axes.transData.inverted().transform
    for text, point, place in zip(texts, points, chosen, strict=True):
        text.set_position(tuple(back((place.box.x0 + PAD_PT * pixel, place.box.y0 + PAD_PT * pixel))))
        text.set_in_layout(False)
        if place.far > LEADER_PT:
            (x0, y0), (x1, y1) = (back(end) for end in place.line)
            (line,) = axes.plot([x0, x1], [y0, y1], color=point.colour, linewidth=0.6, alpha=0.7, zorder=1.5)
            line.set_in_layout(False)
    return [place.box for place in chosen]


def _box(extent: Any) -> Box:
    return Box(extent.x0, extent.y0, extent.x1, extent.y1)


def _around(x: float, y: float, radius: float) -> Box:
    return Box(x - radius, y - radius, x + radius, y + radius)


def _bars(axes: Any, points: Sequence[Marked], pixel: float) -> list[Box]:
    """What the error bars cover."""
    ends = [[axes.transData.transform((p.x, p.y + sign * p.error)) for sign in (-1, 1)] for p in points]
    return [Box(low[0] - CAP_PT * pixel, low[1], high[0] + CAP_PT * pixel, high[1]) for low, high in ends]


def _across(axes: Any, levels: Sequence[float], pixel: float) -> list[Box]:
    left, _, right, _ = axes.get_window_extent().extents
    heights = [axes.transData.transform((0.0, level))[1] for level in levels]
    return [Box(left, y - pixel, right, y + pixel) for y in heights]


def _places(
    spot: tuple[float, ...], radius: float, size: tuple[float, float], pixel: float, inside: Box
) -> Iterator[LabelPlace]:
    """All places of one label within the axes, the nearest first."""
    x, y = spot
    width, height = size
    for far, angle in product(STEPS_PT, map(math.radians, DEGREES)):
        away = radius + far * pixel
        across, along = math.cos(angle), math.sin(angle)
        near_x, near_y = x + away * across, y + away * along  # the label's point nearest to the marker
        x0 = near_x - width * (1 - across) / 2
        y0 = near_y - height * (1 - along) / 2
        box = Box(x0, y0, x0 + width, y0 + height)
        if box.x0 >= inside.x0 and box.x1 <= inside.x1 and box.y0 >= inside.y0 and box.y1 <= inside.y1:
            start = (x + radius * across, y + radius * along)
            yield LabelPlace(
                Box(x0 - pixel, y0 - pixel, x0 + width + pixel, y0 + height + pixel), (start, (near_x, near_y)), far
            )


def _chosen(every: list[list[LabelPlace]], covered: list[Box], markers: list[Box]) -> list[LabelPlace]:
    """The best place of each label among the others: labels with few near places first, then all of them again."""
    for at, places in enumerate(every):
        if not places:  # wider than the axes
            every[at] = [LabelPlace(markers[at], ((0.0, 0.0), (0.0, 0.0)), 0.0)]
    chosen: dict[int, LabelPlace] = {}
    order = sorted(
        range(len(every)), key=lambda at: -sum(box.shared(_grown(markers[at], 60, 15)) > 0 for box in markers)
    )
    for _ in range(ROUNDS):
        for at in order:
            others = [place for other, place in chosen.items() if other != at]
            chosen[at] = _best(every[at], others, covered)
    return [chosen[at] for at in range(len(every))]


def _grown(box: Box, across: float, along: float) -> Box:
    return Box(box.x0 - across, box.y0 - along, box.x1 + across, box.y1 + along)


def _best(places: list[LabelPlace], others: list[LabelPlace], covered: list[Box]) -> LabelPlace:
    best, least = places[0], math.inf
    for place in places:
        if place.far >= least:
            break  # all further places are worse
        cost = place.far + _covering(place, others, covered)
        if cost < least:
            best, least = place, cost
    return best


def _covering(place: LabelPlace, others: list[LabelPlace], covered: list[Box]) -> float:
    """How much a label at this place, and its line, would cover, or be crossed by the lines of others."""
    area = sum(8 * place.box.shared(other.box) for other in others) + sum(2 * place.box.shared(box) for box in covered)
    crossed = sum(place.box.has(*at) for other in others if other.far > LEADER_PT for at in other.on_line())
    if place.far > LEADER_PT:
        crossed += sum(other.box.has(*at) for other in others for at in place.on_line())
    return area + 40 * crossed
