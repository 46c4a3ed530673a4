"""One table for all media: typed columns and unformatted values, rendered as text, Markdown, CSV and HTML.

A cell holds None, text, a number, a `Spread` (over seeds), an `Amount` (a value with its band) or a `Said` (text with an
annotation). The format of numbers is defined by the column.
"""

import base64
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from neurorec.report import wording
from neurorec.report.spread import Spread

NONE = "–"
Kind = Literal["text", "number", "percent", "factor", "energy", "duration", "bytes", "count"]


@dataclass(frozen=True)
class Amount:
    """A value with its band; `at_least` if some part of it has no price."""

    value: float
    low: float | None = None
    high: float | None = None
    at_least: bool = False


@dataclass(frozen=True)
class Said:
    """Text, an annotation in small print, and its style on the page."""

    text: str
    beside: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """`above`, with `badge`: a heading shared by neighbouring columns."""

    head: str
    kind: Kind = "text"
    digits: int = 3
    above: str = ""
    badge: str = ""

    @property
    def numeric(self) -> bool:
        return self.kind != "text"

    def written(self, value: Any) -> Said:
        """The cell as formatted text."""
        if value is None:
            return Said(NONE, mark="none")
        if isinstance(value, Said):
            return value
        if isinstance(value, Spread):
            return Said(wording.plus_minus(value.mean, value.sd), f"({value.n})") if value.n else Said(NONE)
        if isinstance(value, Amount):
            return self._amount(value)
        if isinstance(value, str | bool):
            return Said(str(value))
        return Said(f"{value:,}" if self.kind in ("text", "number") and isinstance(value, int) else self._number(value))

    def _number(self, value: float) -> str:
        writers: dict[str, Callable[[float], str]] = {
            "percent": lambda x: f"{x:.1%}", "factor": lambda x: f"x{x:.2f}", "energy": wording.energy,
            "duration": wording.duration, "bytes": wording.data_size, "count": wording.count,
        }  # fmt: skip
        return writers.get(self.kind, lambda x: f"{x:.{self.digits}f}")(value)

    def _amount(self, amount: Amount) -> Said:
        at_least = "≥ " if amount.at_least else ""
        if self.kind == "energy":
            band = wording.energy_band(amount.low, amount.high, amount.value)
            return Said(at_least + wording.energy(amount.value), band)
        low, high = (self._number(amount.value if end is None else end) for end in (amount.low, amount.high))
        written = "" if low == high else f"[{low}{' to ' if self.kind == 'bytes' else '–'}{high}]"
        return Said(at_least + self._number(amount.value), written)


@dataclass(frozen=True)
class Table:
    """`minor` rows (controls, baselines) are less prominent; `terminal`: also printed when a study ends."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[tuple[str, str]] = ()  #: (letter, text); the letter is empty if no cell refers to the note
    minor: frozenset[int] = frozenset()
    look: Literal["plain", "fine", "stacked", "cards", "cards claims"] = "plain"
    terminal: bool = False

    @property
    def cells(self) -> list[list[Said]]:
        return [[column.written(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]

    @property
    def csv_href(self) -> str:
        """A link to the unformatted values."""
        return data_link(table_csv(self))

    @property
    def heads_above(self) -> list[tuple[Column, int]]:
        """Groups of neighbouring columns with the same `above`, with their widths; empty if there are none."""
        runs: list[tuple[Column, int]] = []
        for column in self.columns:
            if column.above and runs and runs[-1][0].above == column.above:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((column, 1))
        return runs if any(column.above for column in self.columns) else []

    def first_below(self, column: Column) -> str:
        """CSS class for the first column below a shared heading, and the first one after it, which have a line before them."""
        at = next(n for n, one in enumerate(self.columns) if one is column)
        before = self.columns[at - 1].above if at else ""
        return " chip" if column.above != before else ""


def joined(cell: Said) -> str:
    return f"{cell.text} {cell.beside}".strip()


def to_markdown(table: Table) -> str:
    """The caption, a pipe table and its notes."""
    heads = [" ".join(filter(None, [column.above, column.head])) for column in table.columns]
    rows = [heads, ["---"] * len(heads), *([joined(cell) for cell in row] for row in table.cells)]
    lines = "\n".join(f"| {' | '.join(map(_one_line, row))} |" for row in rows)
    notes = "\n".join(f"* {f'({letter}) ' if letter else ''}{line}" for letter, line in table.notes)
    return "\n\n".join(part for part in (f"**{table.caption}**" if table.caption else "", lines, notes) if part)


def _one_line(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def to_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Unformatted values with column names; None becomes an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([heads, *rows])
    return text.getvalue()


def data_link(text: str) -> str:
    """CSV in a data: link, so that the page needs no second file."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(text.encode()).decode()


def table_csv(table: Table) -> str:
    """Unformatted values: a spread as mean, sd and n, an amount as value and band."""
    parts = {Spread: ("mean", "sd", "n"), Amount: ("value", "low", "high")}
    shapes = [
        next((type(row[at]) for row in table.rows if type(row[at]) in parts), None) for at in range(len(table.columns))
    ]
    heads: list[str] = []
    for column, shape in zip(table.columns, shapes, strict=True):
        named = " ".join(filter(None, [column.above, column.head])).replace("\n", " ")
        heads += [f"{named} {part}" for part in parts[shape]] if shape else [named]
    rows = [
        [item for value, shape in zip(row, shapes, strict=True) for item in _flat(value, shape, parts)]
        for row in table.rows
    ]
    return to_csv(heads, rows)


def _flat(value: Any, shape: Any, parts: dict[Any, tuple[str, ...]]) -> list[Any]:
    if shape is None:
        return [joined(value) if isinstance(value, Said) else value]
    if not isinstance(value, shape):
        return [joined(value) if isinstance(value, Said) else value, *[None] * (len(parts[shape]) - 1)]
    return [getattr(value, part) for part in parts[shape]]
