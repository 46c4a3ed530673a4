"""A directed graph: states at their places, or on a circle, with labelled arrows. A double ring marks an accepting state."""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from neurorec.analysis.found import Diagram
from neurorec.report.parts import Plots
from neurorec.report.plots.figure_part import finish, part_of, plotted
from neurorec.report.plots.style import BLUE, INK, PAPER, Plot, figure, literal

RADIUS = 0.17  #: of a state, where the circle of states has radius 1
START_TURN = 0.9  #: radians between a state's loop, which points outwards, and the arrow that marks the start
LONGEST = 4  #: characters of a label that fit inside a state
LINE, MOST = 16, 48  #: characters of a line and of a whole label outside of states

Place = tuple[float, float]


@part_of.register
def diagram_part(diagram: Diagram, name: str) -> Plots:
    return plotted(_draw, diagram, name)


def _draw(diagram: Diagram, name: str) -> Plot:
    places = _places(diagram)
    xs, ys = zip(*places.values(), strict=True)
    wide, tall = max(max(xs) - min(xs) + 1.4, 2.6), max(max(ys) - min(ys) + 1.1, 1.6)
    x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    with figure(0.5 + 3.9 * min(1.0, tall / wide)) as (drawn, axes):
        labels: dict[tuple[str, str], list[str]] = {}
        for edge in diagram.edges:
            labels.setdefault((edge.source, edge.target), []).append(edge.label)
        for (source, target), said in labels.items():
            _arrow(axes, places, source, target, ", ".join(filter(None, said)), (target, source) in labels)
        for node in diagram.nodes:
            _state(axes, places[node.name], node)
        axes.set(xlim=(x - wide / 2, x + wide / 2), ylim=(y - tall / 2, y + tall / 2), aspect="equal")
        axes.axis("off")
        rows = [[edge.source, edge.target, edge.label] for edge in diagram.edges]
        marks = [[node.name, "start" * node.start, "accepting" * node.accepting] for node in diagram.nodes]
        return finish(drawn, diagram, name, [["from", "to", "label"], *rows, ["state", "start", "accepting"], *marks])


def _places(diagram: Diagram) -> dict[str, Place]:
    given = {node.name: (node.x, node.y) for node in diagram.nodes if node.x is not None and node.y is not None}
    if len(given) == len(diagram.nodes):
        return given
    n = len(diagram.nodes)
    scale = max(1.0, 0.42 * n / math.pi)  # so that neighbours on the circle do not touch
    return {node.name: _on_circle(k, n, scale) for k, node in enumerate(diagram.nodes)}


def _on_circle(k: int, n: int, scale: float) -> Place:
    if n == 1:
        return 0.0, 0.0
    angle = math.pi - 2 * math.pi * k / n
    return scale * math.cos(angle), scale * math.sin(angle)


def _state(axes: Any, place: Place, node: Any) -> None:
    from matplotlib.patches import Circle

    for radius in (RADIUS, 0.8 * RADIUS) if node.accepting else (RADIUS,):
        axes.add_patch(Circle(place, radius, facecolor=PAPER, edgecolor=INK, linewidth=1.2, zorder=3))
    label, (x, y) = node.label or node.name, place
    inside = len(label) <= LONGEST
    at = (x, y) if inside else (x, y - RADIUS - 0.04)
    text, below = (literal(label), "center") if inside else (_folded(label), "top")
    axes.text(*at, text, ha="center", va=below, fontsize=10 if inside else 9.5, zorder=4)
    if node.start:
        angle = math.atan2(y, x) - START_TURN if (x, y) != (0.0, 0.0) else math.pi
        dx, dy = math.cos(angle), math.sin(angle)
        ends = ((x + far * dx, y + far * dy) for far in (RADIUS, RADIUS + 0.27))
        axes.annotate("", *ends, arrowprops={"arrowstyle": "-|>", "color": BLUE, "shrinkA": 0, "shrinkB": 0})


def _arrow(axes: Any, places: Mapping[str, Place], source: str, target: str, label: str, both_ways: bool) -> None:
    from matplotlib.patches import FancyArrowPatch

    (x, y), (u, v) = places[source], places[target]
    if source == target:
        away = math.hypot(x, y) or 1.0
        dx, dy = (x / away, y / away) if (x, y) != (0.0, 0.0) else (0.0, 1.0)
        ends = [
            (x + RADIUS * (dx * 0.75 + side * dy * 0.6), y + RADIUS * (dy * 0.75 - side * dx * 0.6)) for side in (1, -1)
        ]
        bend, text = 2.4, (x + (RADIUS + 0.34) * dx, y + (RADIUS + 0.34) * dy)
    else:
        far = math.hypot(u - x, v - y)
        dx, dy = (u - x) / far, (v - y) / far
        ends = [(x + RADIUS * dx, y + RADIUS * dy), (u - RADIUS * dx, v - RADIUS * dy)]
        bend = 0.22 if both_ways else 0.0
        aside = 0.5 * bend * (far - 2 * RADIUS)
        text = ((x + u) / 2 + aside * dy, (y + v) / 2 - aside * dx)
    style = f"arc3,rad={bend}"
    axes.add_patch(
        FancyArrowPatch(
            *ends, connectionstyle=style, arrowstyle="-|>", mutation_scale=11, color=INK, linewidth=1.0, zorder=2
        )
    )
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8}
    if label:
        axes.text(*text, _folded(label), ha="center", va="center", fontsize=9.5, zorder=4, bbox=box)


def _folded(label: str) -> str:
    """In short lines; the whole label is in the data of the plot."""
    return literal("\n".join(textwrap.wrap(label if len(label) <= MOST else f"{label[: MOST - 3]}...", LINE)))
