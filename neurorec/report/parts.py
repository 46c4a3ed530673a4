"""The parts of a page, besides tables. The template renders each by its `kind`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from neurorec.report.plots.style import Plot


@dataclass(frozen=True)
class Text:
    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str
    badge: str = ""


@dataclass(frozen=True)
class Notes:
    """Lines below a table, or a list of remarks; `terminal`: also printed when a study ends."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]
    terminal: bool = False


@dataclass(frozen=True)
class Facts:
    """Names, each with a text."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Verbatim:
    """Pieces of text with their line breaks."""

    kind: ClassVar[str] = "verbatim"
    title: str
    about: str
    pieces: Sequence[str]


@dataclass(frozen=True)
class Plots:
    """Plots, drawn with the page; if there are none, title and text are omitted. `overview` draws the separate plot
    STUDY.svg for the Markdown."""

    kind: ClassVar[str] = "plots"
    draw: Callable[[], Sequence[Plot]]
    title: str = ""
    about: str = ""
    overview: Callable[[], str] | None = None

    @cached_property
    def plots(self) -> Sequence[Plot]:
        return self.draw()

    @property
    def shown(self) -> bool:
        return bool(self.plots)


@dataclass(frozen=True)
class Fold:
    """A collapsed part; `text`: also included in the Markdown."""

    kind: ClassVar[str] = "fold"
    title: str
    parts: Sequence[Any]
    badge: str = ""
    text: bool = True

    @property
    def shown(self) -> bool:
        return is_shown(self.parts)


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    parts: Sequence[Any]

    @property
    def shown(self) -> bool:
        return is_shown(self.parts)


def is_shown(parts: Sequence[Any]) -> bool:
    """Whether any part has content."""
    return any(getattr(part, "shown", True) for part in parts)
