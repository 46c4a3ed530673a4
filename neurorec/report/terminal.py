"""A page in the terminal: tables in columns if their numbers fit, otherwise one line per row."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurorec.report.findings_table import short_table
from neurorec.report.page import QUICK, Page
from neurorec.report.parts import Notes
from neurorec.report.table import Table, joined

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

FOLDED = 11  #: text columns may wrap at this width; numbers are never wrapped


def print_page(page: Page, console: "Console", details: bool = True) -> None:
    """Print the answer, and the tables and notes marked for the terminal; without `details`, only answer and failures."""
    if page.quick:
        console.print(plain(QUICK, "bold"))
    if details:
        _print_details(page, console)
    if page.failures:
        console.print(hanging(("", f"failed: {line}") for line in page.failures))
        console.print()
    for sentence in page.answer:
        console.print(plain(sentence))
    if page.findings is not None and page.findings.findings:
        console.print()
        print_table(short_table(page.findings), console)


def _print_details(page: Page, console: "Console") -> None:
    for section in page.all_sections:
        for part in section.parts:
            if isinstance(part, Table) and part.terminal:
                print_table(part, console)
                console.print()
            elif isinstance(part, Notes) and part.terminal:
                console.print(hanging(("", line) for line in part.lines))
                console.print()
    if notes := [text for fact, text in page.how if fact == "note"]:
        console.print(hanging(("", note) for note in notes))
        console.print()


def print_table(table: Table, console: "Console") -> None:
    """Print as a table if its numbers fit, otherwise row by row; then its notes."""
    if sum(_narrowest(table, at) + 2 for at in range(len(table.columns))) <= console.width + 2:
        console.print(_rich(table))
    else:
        _print_in_lines(table, console)
    if table.notes:
        console.print(hanging(table.notes))


def _widths(table: Table, at: int) -> tuple[int, int]:
    """Widths of a column's longest cell and of the longest line of its heading."""
    column = table.columns[at]
    lines = [line for row in table.cells for line in joined(row[at]).split("\n")]
    return max(map(len, lines), default=0), max(map(len, [column.above, column.badge, *column.head.split("\n")]))


def _folds(table: Table, at: int) -> bool:
    return not table.columns[at].numeric and _widths(table, at)[0] > FOLDED


def _narrowest(table: Table, at: int) -> int:
    cell, head = _widths(table, at)
    return max(FOLDED if _folds(table, at) else cell, head)


def plain(text: str, style: str = "") -> "Text":
    """Literal text: a band such as [0.9–2.1] would otherwise be interpreted as rich markup."""
    from rich.text import Text

    return Text(text, style=style)


def hanging(lines: Iterable[tuple[str, str]]) -> "RichTable":
    """Notes with their letters, with hanging indents."""
    from rich.table import Table as RichTable

    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for letter, line in lines:
        grid.add_row(plain(f" ({letter})" if letter else "  ·"), plain(line))
    return grid


def _rich(table: Table) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(
        box=box.SIMPLE_HEAD, title=table.caption or None, title_justify="left", title_style="bold", pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    for at, column in enumerate(table.columns):
        folds = _folds(table, at)
        head = plain("\n".join(filter(None, [column.above, column.badge, column.head])))
        drawn.add_column(head, overflow="fold", no_wrap=not folds, min_width=FOLDED if folds else None)
    for at, row in enumerate(table.cells):
        drawn.add_row(*(plain(joined(cell), "dim" if at in table.minor else "") for cell in row))
    return drawn


def _print_in_lines(table: Table, console: "Console") -> None:
    """The column names once, in the order of the numbers; then one line per row."""
    console.print(plain(table.caption, "bold"))
    names = [" ".join(filter(None, [column.above, column.head.replace("\n", " ")])) for column in table.columns]
    rows = [names, *([joined(cell).replace("\n", " + ") or "–" for cell in row] for row in table.cells)]
    for at, (first, *others) in enumerate(rows):
        line = hanging([("", f"{first.removesuffix('.')}: {'; '.join(others)}")])
        console.print(line, style="italic" if at == 0 else "dim" if at - 1 in table.minor else "")
