"""What a page is made of, beside tables. The template draws each by its `kind`."""

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
    """Lines beneath a table or a list of remarks; `terminal`: also printed when a study ends."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]
    terminal: bool = False


@dataclass(frozen=True)
class Facts:
    """Names with what is known about each."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Plots:
    """Pictures, drawn when the page is; without any, title and text are left out too. `overview` draws the one that stands
    alone, as STUDY.svg beside the Markdown."""

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
    """Closed until opened; `text`: also written in the Markdown."""

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
    """Whether any part has something to show."""
    return any(getattr(part, "shown", True) for part in parts)
