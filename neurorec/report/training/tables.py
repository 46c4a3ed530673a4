"""Tables of a training study: scores and energy by task, all figures by chip, rules and the six objections."""

from collections.abc import Sequence
from typing import Any

from neurorec.experiments.results import StudyResults
from neurorec.report import wording
from neurorec.report.table import Column, Said, Table
from neurorec.report.training.answer import Comparison
from neurorec.report.training.notes import Footnotes, notes_of
from neurorec.report.training.summary import PARTS, ChipCost, Group, chips_of, groups_of, tasks_of


def shown_chips(results: StudyResults) -> tuple[str | None, str | None]:
    """The per-term chip and the all-in chip that have columns: the report chip, or the first of its scope; among
    all-in chips, the one that runs most of the networks that the other chip cannot."""
    per_term, all_in = (chips_of(results, scope) for scope in ("per-term", "all-in"))
    first = next(iter(per_term), None)
    if results.report_chip in all_in:
        return first, results.report_chip
    refused = {cost.run_id for cost in results.costs if cost.chip == first and not cost.can_run}
    runs = {chip: sum(c.can_run and c.run_id in refused for c in results.costs if c.chip == chip) for chip in all_in}
    return first, max(all_in, key=lambda chip: runs[chip], default=None)


def main_tables(results: StudyResults) -> list[Table]:
    """One table per task: all networks with their controls, and the trivial baselines."""
    per_term, all_in = shown_chips(results)
    chips = [chip for chip in (per_term, all_in) if chip]
    reruns = any(group.rounding is not None for group in groups_of(results))
    tables = []
    for task in tasks_of(results):
        groups = groups_of(results, task)
        notes = notes_of(groups, chips)
        rows = [(group, row) for group in groups for row in _rows(group, per_term, all_in, notes, reruns)]
        minor = frozenset(at for at, (group, _) in enumerate(rows) if not group.proper)
        columns = _columns(groups, per_term, all_in, reruns)
        tables.append(Table(task, columns, [row for _, row in rows], notes.lines, minor, terminal=True))
    return tables


def _columns(groups: list[Group], per_term: str | None, all_in: str | None, reruns: bool) -> list[Column]:
    metrics = list(dict.fromkeys(group.metric_text for group in groups))
    score = f"test {metrics[0]}".replace(" (", "\n(") if len(metrics) == 1 else "test score"
    columns = [Column("network"), Column("rule"), Column(f"{score}\nmean ± sd (n)", "number")]
    columns += [Column("other\nrounding", "number")] if reruns else []
    columns += [Column("events\nor MACs\nper sample", "number")]
    if per_term:
        columns += [Column("dynamic", "energy", above=per_term, badge="per-term"),
                    Column("total [band]", "energy", above=per_term, badge="per-term")]  # fmt: skip
    columns += [Column("total [band]", "energy", above=all_in, badge="all-in")] if all_in else []
    return [*columns, Column("avoided/\npartly/\nno", "number")]


def _rows(group: Group, per_term: str | None, all_in: str | None, notes: Footnotes, reruns: bool) -> list[list[Any]]:
    """The group with its main metric, and one row per further metric of the same runs."""
    rule = group.control if group.half != "baseline" and group.control else group.rule_title
    failed = f", {len(group.failed)} failed" if group.failed else ""
    score = Said(str(group.test), f"({group.test.n}){failed}") if group.runs else Said("failed", failed.strip(", "))
    moved = [None if group.rounding is None else f"± {wording.plus_minus(group.rounding, None)}"] if reruns else []
    costs = [
        cell
        for chip, split in ((per_term, True), (all_in, False))
        if chip
        for cell in _on_chip(group, chip, split, notes)
    ]
    stances = "/".join(str(count) for count in group.stances.values()) if group.stances["kept"] != "" else None
    first = [group.network, rule, score, *moved, group.work_text.replace(" + ", "\n"), *costs, stances]
    further = [
        [group.network, f"{rule}, {metric}", scores["test"], *([""] * (len(first) - 3))]
        for metric, scores in group.scores.items() if metric != group.metric and scores["test"].n
    ]  # fmt: skip
    return [first, *further]


def _on_chip(group: Group, chip: str, split: bool, notes: Footnotes) -> list[Any]:
    """Dynamic energy (if the chip's total is split) and total; long reasons become footnotes."""
    cost = group.costs.get(chip)
    if cost is None:
        return [None] * (1 + split)
    total = cost.amount if cost.can_run else f"cannot run: {notes.mark(chip, cost.why_not)}"
    return [cost.dynamic_pJ, total] if split else [total]


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """All comparisons behind the answer."""
    heads = ("task", "this network", "compared with", "metric")
    columns = [*map(Column, heads), Column("difference", "number"), Column("n", "number"), Column("verdict")]
    rows = [
        [at.task, at.one.label, at.other.label, at.metric, at.difference_text, at.difference.n, at.verdict]
        for at in comparisons
    ]
    return Table("Comparisons", columns, rows)


def cost_table(results: StudyResults, chip: str, scope: str) -> Table:
    """All networks (without controls) on all tasks on one chip. Rows of all-in chips are not split."""
    columns = [Column("task"), Column("network")]
    columns += [Column(part, "energy") for part in PARTS] if scope == "per-term" else []
    columns += [Column("total [band]", "energy"), Column("latency, µs", "number")]
    if scope == "per-term":
        columns += [Column("basis of static energy"), Column("no price for"), Column("whole training", "energy")]
    groups = [group for group in groups_of(results) if group.proper and chip in group.costs]
    return Table(
        f"Costs on {chip}", columns, [_cost_row(group, group.costs[chip], scope) for group in groups], look="fine"
    )


def _cost_row(group: Group, cost: ChipCost, scope: str) -> list[Any]:
    split = scope == "per-term"
    if not cost.can_run:
        blank = [""] * (len(PARTS) if split else 0)
        return [
            group.task,
            group.label,
            *blank,
            "cannot run",
            *(["", cost.why_not, "", ""] if split else [cost.why_not]),
        ]
    latency = None if cost.latency_us is None else wording.figures(cost.latency_us)
    row = [
        group.task,
        group.label,
        *([cost.parts_pJ.get(part) for part in PARTS] if split else []),
        cost.amount,
        latency,
    ]
    training = (
        cost.training_why_not if cost.training_total_pJ is None and cost.training_why_not else cost.training_total_pJ
    )
    return [*row, cost.static_basis or None, ", ".join(cost.unpriced) or None, training] if split else row


def export_table(results: StudyResults) -> Table:
    """Exported files and refusals, with the network's name instead of its run's id."""
    runs = {run.run_id: run for run in results.runs}
    rows = []
    for export in results.exports:
        run = runs.get(export.get("run_id", ""))
        network = f"{run.network}, {run.rule_title}, {run.task}, seed {run.seed}" if run else export.get("run_id", "")
        rows.append([network, export.get("target", ""), export.get("path") or "none", export.get("verdict", ""),
                     export.get("peers") or None])  # fmt: skip
    return Table(
        "", [Column(head) for head in ("network", "target", "file", "verdict", "other readers")], rows, look="cards"
    )
