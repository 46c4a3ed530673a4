"""What an analysis finds: numbers by name, and figures as plain data, drawn by report/plots/figures/ (one file per type).

Every figure has a `title`, and `about`, one or two sentences on what it shows (also its text for readers who cannot see it).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Series = tuple[list[float], list[float]]  #: x and y of the points of one line; NaN leaves a gap


@dataclass(frozen=True)
class Curves:
    """Lines over a common axis."""

    title: str
    about: str
    x_label: str
    y_label: str
    lines: dict[str, Series]  #: by name, as in the legend
    log_x: bool = False
    log_y: bool = False
    level: float | None = None  #: y of a thin horizontal line, for example 0
    share: bool = False  #: whether y is a share, shown from 0 to 1
    kind: Literal["curves"] = "curves"


@dataclass(frozen=True)
class Arrow:
    """From (x, y) to (x + dx, y + dy)."""

    x: float
    y: float
    dx: float
    dy: float


@dataclass(frozen=True)
class Points:
    """Points of named groups in a plane, with paths and arrows between them: phase portraits, eigenvalues."""

    title: str
    about: str
    x_label: str
    y_label: str
    groups: dict[str, Series]
    paths: dict[str, Series] = field(default_factory=dict)
    arrows: tuple[Arrow, ...] = ()
    equal_axes: bool = False  #: one unit is as long on both axes
    kind: Literal["points"] = "points"


@dataclass(frozen=True)
class Raster:
    """Spikes: neuron `neurons[k]` at `times_ms[k]`."""

    title: str
    about: str
    times_ms: list[float]
    neurons: list[int]
    y_label: str = "neuron"
    kind: Literal["raster"] = "raster"


@dataclass(frozen=True)
class Picture:
    """A matrix as an image, the first row at the top."""

    title: str
    about: str
    x_label: str
    y_label: str
    values: list[list[float]]
    value_label: str = ""
    columns: list[str] = field(default_factory=list)  #: names of the columns, or none
    rows: list[str] = field(default_factory=list)
    kind: Literal["picture"] = "picture"


@dataclass(frozen=True)
class Image:
    """A small grey image, the first row at the top: 0 is white, 1 is black."""

    values: list[list[float]]
    label: str = ""  #: below it
    mark: Literal["", "right", "wrong"] = ""  #: shown as its frame


@dataclass(frozen=True)
class Images:
    """Groups of small images in rows: drawings, samples. All images have the same size."""

    title: str
    about: str
    groups: dict[str, list[Image]]  #: by name, which is written above the group
    columns: int = 10  #: images per row
    kind: Literal["images"] = "images"


@dataclass(frozen=True)
class Node:
    name: str
    label: str = ""  #: shown instead of the name
    start: bool = False
    accepting: bool = False
    x: float | None = (
        None  #: place in the picture, y upwards, where circles have a diameter of 0.34; None for any node: on a circle
    )
    y: float | None = None


@dataclass(frozen=True)
class Edge:
    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Diagram:
    """A directed graph: an automaton, a circuit."""

    title: str
    about: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    kind: Literal["diagram"] = "diagram"


@dataclass(frozen=True)
class DrawnTree:
    """A tree, drawn with its root on top."""

    title: str
    about: str
    labels: list[str]  #: of one line or two
    parents: list[int | None]  #: children before parents; None for the root
    marked: list[int] = field(default_factory=list)  #: nodes that stand out
    kind: Literal["tree"] = "tree"


@dataclass(frozen=True)
class TextSamples:
    """Pieces of text, shown as they are: what a language model writes, strings that an automaton accepts."""

    title: str
    about: str
    pieces: list[str]
    kind: Literal["text samples"] = "text samples"


AnyFigure = Curves | Points | Raster | Picture | Images | Diagram | DrawnTree | TextSamples


@dataclass(frozen=True)
class Found:
    """Values by name, as declared by the analysis (NaN: there is none), figures, and trivial baselines of some values."""

    values: dict[str, float]
    figures: tuple[AnyFigure, ...] = ()
    baselines: dict[str, tuple[str, float]] = field(default_factory=dict)  #: value -> what gives it, and its number


def series(x: Iterable[Any], y: Iterable[Any]) -> Series:
    """x and y (lists, arrays or tensors) as plain numbers."""
    return [float(each) for each in x], [float(each) for each in y]
