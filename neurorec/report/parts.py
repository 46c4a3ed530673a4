"""What a page is made of, beside tables. The template draws each by its `kind`."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """Pictures; `overview` is the one that stands alone as STUDY.svg beside the Markdown."""

    kind: ClassVar[str] = "plots"
    plots: Sequence[Plot]
    overview: str = ""


@dataclass(frozen=True)
class Fold:
    """Closed until opened; `text`: also written in the Markdown."""

    kind: ClassVar[str] = "fold"
    title: str
    parts: Sequence[Any]
    badge: str = ""
    text: bool = True


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    parts: Sequence[Any]
