"""Citations: key -> who, what, where. An identifier (DOI, arXiv) stands here only if it was read, never remembered."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from neurorec.basics.cards import Card, check_card, read_toml
from neurorec.basics.errors import InputError, did_you_mean


class Citation(Card):
    author: str
    title: str
    venue: str
    year: int | None = None
    doi: str | None = None
    arxiv: str | None = None
    url: str | None = None


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
    """One line: author (year). Title. Venue. Identifier."""
    entry = find_citation(key)
    year = f" ({entry.year})" if entry.year else ""
    identifiers = [
        f"doi:{entry.doi}" if entry.doi else "",
        f"arXiv:{entry.arxiv}" if entry.arxiv else "",
        entry.url or "",
    ]
    tail = " ".join(part for part in identifiers if part)
    return f"{entry.author}{year}. {entry.title}. {entry.venue}.{' ' + tail if tail else ''}"


def bibtex(keys: Iterable[str]) -> str:
    """BibTeX entries for `keys`, each once, in order of their keys."""
    return "\n".join(_entry(key, find_citation(key)) for key in sorted(set(keys)))


def _entry(key: str, entry: Citation) -> str:
    fields = {
        "author": entry.author,
        "title": "{" + entry.title + "}",
        "howpublished": entry.venue,
        "year": entry.year,
        "doi": entry.doi,
        "eprint": entry.arxiv,
        "url": entry.url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value is not None]
    return "\n".join([f"@misc{{{key},", *lines, "}"])
