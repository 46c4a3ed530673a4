"""The table in the terminal: one per task, readable at 80 columns (two lines a row) and at 120 (one line a row)."""

from typing import TYPE_CHECKING

from neurorec.experiments.results import StudyResults
from neurorec.report import wording
from neurorec.report.answer import answer
from neurorec.report.notes import Notes, about_totals, notes_of
from neurorec.report.summary import Group, chips_of, groups_of, tasks_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDE_COLUMNS = 112
ALL_IN_CHIP = "cortex_m4"
LEGEND = (
    "relaxed/partly/kept: how many of the six objections to backpropagation the rule relaxes, partly relaxes, keeps"
)
QUICK = "quick run: shortened trainings, to see that everything works; not to be cited"


def all_in_chip(results: StudyResults) -> str | None:
    """The all-in chip with a column: the report chip if it is one, else the microcontroller, else the first."""
    chips = chips_of(results, "all-in")
    return next((chip for chip in (results.report_chip, ALL_IN_CHIP) if chip in chips), next(iter(chips), None))


def per_term_chip(results: StudyResults) -> str | None:
    """The report chip where it is priced term by term; an all-in chip never stands in a column with a split."""
    return next(iter(chips_of(results, "per-term")), None)


def print_results(results: StudyResults, console: "Console") -> None:
    """Print a table a task, the notes that its cells point to, and the answer."""
    if results.quick:
        console.print(_plain(QUICK, "bold"))
    wide = console.width >= WIDE_COLUMNS
    chips = [chip for chip in (per_term_chip(results), all_in_chip(results)) if chip]
    for task in tasks_of(results):
        groups = groups_of(results, task)
        notes = notes_of(groups, chips)
        console.print(_table(results, task, groups, notes, wide))
        if notes.lines:
            console.print(_hanging(notes.lines))
        console.print()
    console.print(_hanging([("", line) for line in [*about_totals(groups_of(results), chips), LEGEND, *results.notes]]))
    console.print()
    for sentence in answer(results):
        console.print(_plain(sentence))


def _plain(text: str, style: str = "") -> "Text":
    """Text as it is: a band such as [0.9–2.1] would otherwise be read as rich markup."""
    from rich.text import Text

    return Text(text, style=style)


def _hanging(lines: list[tuple[str, str]]) -> "Table":
    """Notes with their letters, each folded under itself."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for letter, line in lines:
        grid.add_row(_plain(f" ({letter})" if letter else "  ·"), _plain(line))
    return grid


def _table(results: StudyResults, task: str, groups: list[Group], notes: Notes, wide: bool) -> "Table":
    from rich import box
    from rich.table import Table

    chips = (per_term_chip(results), all_in_chip(results))
    table = Table(
        box=box.SIMPLE_HEAD, title=task, title_justify="left", title_style="bold", pad_edge=False, collapse_padding=True
    )
    for at, head in enumerate(_row(_heads(groups, chips), chips, wide)):
        names = at == 0 or (wide and at == 1)  # only names may fold; a folded number is misread
        table.add_column(_plain(head), overflow="fold", no_wrap=not names)
    for group in groups:
        cells = _row(_cells(group, chips, notes), chips, wide)
        table.add_row(*(_plain(cell, "" if group.proper else "dim") for cell in cells))
    return table


Chips = tuple[str | None, str | None]  # the per-term chip and the all-in chip; either may be absent


def _heads(groups: list[Group], chips: Chips) -> dict[str, str]:
    seeds = sorted({group.test.n for group in groups if group.test.n})
    n = f"n={seeds[0]}" if len(seeds) == 1 else f"n={seeds[0]}–{seeds[-1]}" if seeds else "n=0"
    return {
        "network": "network",
        "rule": "rule",
        "below": " rule",
        "accuracy": f"test accuracy\nmean ± sd\n({n})",
        "work": "events (ev)\nor MACs\nper sample",
        "dynamic": f"{chips[0]}\nper-term\ndynamic",
        "total": f"{chips[0]}\nper-term\ntotal",
        "band": "[band]",
        "all_total": f"{chips[1]}\nall-in\ntotal",
        "all_band": "[band]",
        "stances": "relaxed/\npartly/\nkept",
    }


def _cells(group: Group, chips: Chips, notes: Notes) -> dict[str, str]:
    stances = group.stances
    dynamic, total, band = _on_chip(group, chips[0], notes)
    _, all_total, all_band = _on_chip(group, chips[1], notes)
    control = group.half != "baseline" and group.control
    rule = group.control if control else group.rule_title
    return {
        "network": "" if control else group.network,
        "rule": rule,
        "below": f" {rule}" if rule else "",
        "accuracy": str(group.test) if group.runs else "failed",
        "work": group.work_text.replace(" + ", "\n").replace("events", "ev"),
        "dynamic": dynamic,
        "total": total,
        "band": band,
        "all_total": all_total,
        "all_band": all_band,
        "stances": "/".join(str(count) for count in stances.values()) if stances["kept"] != "" else "",
    }


def _on_chip(group: Group, chip: str | None, notes: Notes) -> tuple[str, str, str]:
    """(dynamic, total, band); a long reason stands beneath the table, the cell has its letter."""
    cost = group.costs.get(chip or "")
    if cost is None:
        return "", "", ""
    if not cost.can_run:
        return "", f"cannot run: {notes.mark(cost.chip, cost.why_not)}", ""
    return wording.energy(cost.dynamic_pJ) if cost.dynamic_pJ is not None else "", cost.total_text, cost.band_text


def _row(c: dict[str, str], chips: Chips, wide: bool) -> list[str]:
    """The cells in the order of the columns: a line a net where there is room, else name over rule, total over band."""

    def joined(between: str, *names: str) -> str:
        return between.join(c[name] for name in names if c[name])

    if wide:
        cells = [c["network"], c["rule"], c["accuracy"], c["work"]]
        cells += [c["dynamic"], joined(" ", "total", "band")] if chips[0] else []
        cells += [joined(" ", "all_total", "all_band")] if chips[1] else []
    else:
        cells = [joined("\n", "network", "below"), _stacked(c["accuracy"]), _stacked(c["work"])]
        cells += [_stacked(joined("\n", "total", "band"))] if chips[0] else []
        cells += [_stacked(joined("\n", "all_total", "all_band"))] if chips[1] else []
    return [*cells, c["stances"]]


def _stacked(text: str) -> str:
    """One cell of the narrow table: what stands side by side in the wide one goes over two lines."""
    for wide, narrow in (
        ("test accuracy\nmean ± sd", "test\naccuracy"),
        (" ± ", "\n± "),
        ("cannot run: ", "cannot\nrun: "),
        ("events (ev)\nor MACs", "events,\nMACs"),
    ):
        text = text.replace(wide, narrow)
    return text
