"""One table in every medium: figures, bands, notes; nothing cut off."""

import csv
import io

import pytest
from rich.console import Console

from neurorec.report.spread import spread
from neurorec.report.table import Amount, Column, Said, Table, table_csv, to_markdown
from neurorec.report.terminal import print_table

TABLE = Table(
    "nets",
    [Column("net"), Column("score\nmean", "number"), Column("total", "energy", above="chip", badge="all-in")],
    [
        ["a|b", spread([0.5, 0.6]), Amount(2e6, 1e6, 4e6, at_least=True)],
        ["c", None, "cannot run: (a)"],
    ],
    notes=[("a", "a reason")],
)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (Column("x"), "text", "text"), (Column("x", "number"), None, "–"), (Column("x", "number"), 12345, "12,345"),
        (Column("x", "number", digits=2), 0.126, "0.13"), (Column("x", "percent"), 0.104, "10.4%"),
        (Column("x", "factor"), 1.249, "x1.25"), (Column("x", "bytes"), 2990.0, "2.99 kB"),
        (Column("x", "duration"), Amount(0.25, 0.1, 0.5, at_least=True), "≥ 0.2 s [0.1 s–0.5 s]"),
        (Column("x", "bytes"), Amount(2e6, 2e6, 2e6), "2.00 MB"), (Column("x", "energy"), 1.1e6, "1.10 µJ"),
        (Column("x", "number"), Said("failed", "(2 runs)"), "failed (2 runs)"),
    ],
)  # fmt: skip
def test_a_column_says_how_its_figures_read(column, value, text):
    cell = column.written(value)
    assert f"{cell.text} {cell.beside}".strip() == text


def test_markdown_keeps_figures_and_notes_and_no_cell_breaks_a_row():
    lines = to_markdown(TABLE).splitlines()
    assert lines[2:6] == [
        "| net | score mean | chip total |",
        "| --- | --- | --- |",
        "| a/b | 0.550 ± 0.071 (2) | ≥ 2.00 µJ [1.0–4.0] |",
        "| c | – | cannot run: (a) |",
    ]
    assert lines[-1] == "* (a) a reason"


def test_csv_holds_the_values_themselves():
    rows = list(csv.DictReader(io.StringIO(table_csv(TABLE))))
    assert float(rows[0]["score mean mean"]) == pytest.approx(0.55)
    assert (rows[0]["score mean n"], rows[0]["chip total low"]) == ("2", "1000000.0")
    assert (rows[1]["score mean n"], rows[1]["chip total value"]) == ("", "cannot run: (a)")


@pytest.mark.parametrize("width", [30, 60])
def test_in_a_narrow_terminal_figures_go_below_each_other_and_none_is_cut(width):
    text = io.StringIO()
    print_table(TABLE, Console(file=text, width=width))
    said = text.getvalue()
    assert max(map(len, said.splitlines())) <= width
    assert all(figure in " ".join(said.split()) for figure in ("0.550 ± 0.071", "≥ 2.00 µJ", "(a) a reason"))
