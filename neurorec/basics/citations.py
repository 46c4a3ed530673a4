"""Citations: key -> author, title, venue. Identifiers (DOI, arXiv) are listed only if they were read in a source."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from neurorec.basics.cards import Card, check_card, read_toml
from neurorec.basics.errors import InputError, did_you_mean
from neurorec.basics.numbers import Year

JOURNAL = re.compile(r"(?P<journal>.+?) (?P<volume>\d+)(\((?P<number>[\d-]+)\))?(:(?P<pages>[\w-]+))?")
#: a venue written like "Cognitive Science 14(2):179-211" is a journal


class Citation(Card):
    author: str  #: "A. One, B. Two and C. Three", or "A. One et al."
    title: str
    venue: str
    meeting: bool = False  #: whether the venue is a conference
    year: Year | None = None
    doi: str | None = None
    arxiv: str | None = None
    url: str | None = None
    note: str | None = None  #: what was read of it, if not all


@cache
def citations() -> dict[str, Citation]:
    entries = read_toml(Path(__file__).with_name("citations.toml"))
    return {key: check_card(entry, Citation, f"citations.toml: {key}") for key, entry in entries.items()}


def is_cited(key: str) -> bool:
    return key in citations()


def find_citation(key: str) -> Citation:
    """Raises `InputError` for an unknown key, with the closest known one."""
    known = citations()
    if key not in known:
        raise InputError(
            f'citation "{key}" is not known{did_you_mean(key, known)}; add it to neurorec/basics/citations.toml'
        )
    return known[key]


def cite(key: str) -> str:
    """One line: author (year). Title. Venue. Identifier (note)."""
    entry = find_citation(key)
    year = f" ({entry.year})" if entry.year else ""
    identifiers = [
        f"doi:{entry.doi}" if entry.doi else "",
        f"arXiv:{entry.arxiv}" if entry.arxiv else "",
        entry.url or "",
    ]
    tail = " ".join(part for part in identifiers if part)
    note = f" ({entry.note})" if entry.note else ""
    return f"{entry.author}{year}. {entry.title}. {entry.venue}.{' ' + tail if tail else ''}{note}"


def bibtex(keys: Iterable[str]) -> str:
    """BibTeX entries for `keys`, each once, in order of their keys."""
    return "\n".join(_entry(key, find_citation(key)) for key in sorted(set(keys)))


def _entry(key: str, entry: Citation) -> str:
    journal = None if entry.meeting else JOURNAL.fullmatch(entry.venue)
    kind = "article" if journal else "inproceedings" if entry.meeting else "misc"
    where = journal.groupdict() if journal else {"booktitle" if entry.meeting else "howpublished": entry.venue}
    fields = {
        "author": _authors(entry.author),
        "title": "{" + entry.title + "}",
        **where,
        "year": entry.year,
        "doi": entry.doi,
        "eprint": entry.arxiv,
        "archiveprefix": "arXiv" if entry.arxiv else None,
        "url": entry.url,
        "note": entry.note,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value is not None]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _authors(names: str) -> str:
    """BibTeX's list of names: joined by " and ", the unnamed rest as "others"."""
    persons = [person for part in names.removesuffix(" et al.").split(", ") for person in part.split(" and ")]
    return " and ".join(persons + ["others"] * names.endswith(" et al."))
