"""The page layout of all kinds of study: question and answer, findings, sections, how it was run, sources.

`@page_of.register` makes a kind's results a `Page`; the same page is drawn as HTML, as Markdown and in the terminal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path
from typing import Any

from neurorec.basics.citations import cite, is_cited
from neurorec.experiments.findings import Findings
from neurorec.report.findings_table import findings_parts, provenance
from neurorec.report.parts import Facts, Fold, Heading, Notes, Plots, Section, Text, Verbatim
from neurorec.report.table import Table, to_markdown

QUICK = "Quick run with shortened trainings: a smoke test, not to be cited."


@dataclass(frozen=True)
class Page:
    """Everything shown about one study. `data`: column names and rows of results.csv."""

    study: str
    question: str
    answer: Sequence[str]
    quick: bool
    findings: Findings | None
    failures: Sequence[str]
    sections: Sequence[Section]
    how: Sequence[tuple[str, str]]
    sources: Sequence[str]
    data: tuple[Sequence[str], Sequence[Sequence[Any]]]
    remarks: Sequence[str] = field(default=())
    picture: Section | None = None  #: what answers at a glance; shown first

    @property
    def all_sections(self) -> list[Section]:
        """The sections of the kind between those common to all pages; empty ones are omitted."""
        found = findings_parts(self.findings) if self.findings is not None else []
        first = Section("findings", "Findings", found)
        failed = Section("failed", "Failures", [Notes(self.failures)] if self.failures else [])
        sources = [
            f"{key}: {cite(key)}" if is_cited(key) else key for key in self.sources
        ]  # in case the source was renamed
        made = provenance(self.findings) if self.findings is not None else []
        last = Section(
            "how", "How it was run", [Facts([*made, *self.how]), Heading("Sources"), Notes(sources or ["none"])]
        )
        picture = [self.picture] if self.picture is not None else []
        return [section for section in (*picture, first, *self.sections, failed, last) if section.parts]


@singledispatch
def page_of(results: Any) -> Page:
    """The page of a study's results; each kind of study registers its own function."""
    raise TypeError(f"no page for {type(results).__name__}")


def html(page: Page) -> str:
    """One self-contained page: no network access, no scripts; suitable for print, telephones and dark mode."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,  # a misspelled name must not become an empty space on the page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = Markup  # our own SVG is the only text that is not escaped
    return environment.get_template("page.html").render(page=page)


def markdown(page: Page) -> str:
    """The page as text, without its plots: for documents that are committed."""
    head = [f"# {page.question}", f"Study `{page.study}`." + (f" {QUICK}" if page.quick else ""), " ".join(page.answer)]
    parts = [
        part for section in page.all_sections for part in (f"## {section.title}", *_written(section.parts, page.study))
    ]
    return "\n\n".join(part for part in [*head, *parts] if part) + "\n"


def _written(parts: Iterable[Any], study: str) -> list[str]:
    found: list[str] = []
    for part in parts:
        if isinstance(part, Table):
            found.append(to_markdown(part))
        elif isinstance(part, Text):
            found.append(part.text)
        elif isinstance(part, Heading):
            found.append(f"### {part.text}")
        elif isinstance(part, Notes):
            found.append("\n".join(f"* {line}" for line in part.lines))
        elif isinstance(part, Facts):
            found.append("\n".join(f"* **{name}**: {text}" for name, text in part.facts))
        elif isinstance(part, Verbatim):
            found += [f"### {part.title}", part.about, *(f"```\n{piece}\n```" for piece in part.pieces)]
        elif isinstance(part, Plots) and part.overview is not None:
            found.append(f"![overview]({study}.svg)")
        elif isinstance(part, Fold) and part.text:
            found += [f"### {part.title}", *_written(part.parts, study)]
    return found


def overview(page: Page) -> str:
    """The overview plot as SVG, or an empty string."""
    parts = [part for section in page.sections for part in section.parts if isinstance(part, Plots)]
    return next((part.overview() for part in parts if part.overview is not None), "")
