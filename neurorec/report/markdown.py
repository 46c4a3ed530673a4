"""Study results as Markdown, for documents that are committed: `python -m neurorec.report.markdown runs/STUDY`."""

import sys
from pathlib import Path

from neurorec.experiments.results import StudyResults
from neurorec.report.answer import answer
from neurorec.report.notes import about_totals, notes_of
from neurorec.report.rows import load_results
from neurorec.report.summary import Group, groups_of, tasks_of
from neurorec.report.terminal import all_in_chip, per_term_chip


def markdown(results: StudyResults) -> str:
    """The answer, a table a task, the notes on totals, and how it was run."""
    chips = [chip for chip in (per_term_chip(results), all_in_chip(results)) if chip]
    parts = [" ".join(answer(results))]
    for task in tasks_of(results):
        groups = groups_of(results, task)
        heads = ["network", "rule", "test accuracy (n)", "events or MACs per sample", *chips, "relaxed/partly/kept"]
        rows = [heads, ["---"] * len(heads), *(row for group in groups for row in _rows(group, chips))]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        why = [line if not letter else f"({letter}) {line}" for letter, line in notes_of(groups, chips).lines]
        parts += [f"## {task}", table, "\n".join(f"* {line}" for line in why)]
    said = [*about_totals(groups_of(results), chips), *results.notes]
    exported = [
        f"{entry['path']}: {entry['verdict']}; {entry.get('peers', '')}" for entry in results.exports if entry["path"]
    ]
    parts += ["## Totals, engines, versions", "\n".join(f"* {line}" for line in said)]
    parts += ["## Exports to NIR, run again on the whole test split", "\n".join(f"* {line}" for line in exported)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(group: Group, chips: list[str]) -> list[list[str]]:
    """A row by the metric the group is judged by, and one for each further metric of the same runs."""
    rule = group.control if group.half != "baseline" and group.control else group.rule_title
    stances = "/".join(str(count) for count in group.stances.values()) if group.stances["kept"] != "" else ""
    totals = [_total(group, chip) for chip in chips]
    further = [
        [group.network, f"{rule}, {metric}", f"{scores['test']} ({scores['test'].n})", "", *("" for _ in chips), ""]
        for metric, scores in group.scores.items()
        if metric != group.metric
    ]
    return [[group.network, rule, f"{group.test} ({group.test.n})", group.work_text, *totals, stances], *further]


def _total(group: Group, chip: str) -> str:
    cost = group.costs.get(chip)
    if cost is None:
        return ""
    return f"{cost.total_text} {cost.band_text}" if cost.can_run else "cannot run"


if __name__ == "__main__":
    print(markdown(load_results(Path(sys.argv[1]))), end="")
