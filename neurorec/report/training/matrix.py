"""The matrix of objections: whether each rule avoids each objection, by declaration and, where an intervention tested it, by
what the rule lost."""

from collections.abc import Sequence

from neurorec.experiments.results import StudyResults
from neurorec.learning.intervention import interventions
from neurorec.learning.rule import OBJECTIONS, STANCES
from neurorec.report import wording
from neurorec.report.table import Column, Said, Table
from neurorec.report.training.experiments_on_rules import Experiment, outcomes
from neurorec.report.training.summary import Group, groups_of

SAID: dict[str, str] = {**STANCES}
SYMBOLS: dict[str, str] = dict(zip(STANCES, "●◐○", strict=True))
ABOUT = (
    "Six objections to backpropagation name things that brains are not known to do. By declaration: "
    + ", ".join(f"{symbol} {SAID[stance]}" for stance, symbol in SYMBOLS.items())
    + ". "
)
MEASURED = (
    "By experiment: an intervention removes from training what an objection is about, and the cell gives the change in the "
    "test score (mean ± standard deviation of the differences per seed). A rule that avoids the objection is expected to lose "
    "little; red marks those that lose more than two standard deviations."
)


def about(results: StudyResults) -> str:
    return ABOUT + MEASURED if outcomes(results) else ABOUT.strip()


def objection_matrix(results: StudyResults) -> Table:
    """One row per rule and judgement, one column per objection."""
    tested = outcomes(results)
    tasks = list(dict.fromkeys(one.before.task for one in tested))
    rows = []
    for judgements, groups in _judged(results).items():
        names = {(group.network, group.rule_title) for group in groups}
        own = [one for one in tested if (one.before.network, one.before.rule_title) in names]
        networks = wording.listed(list(dict.fromkeys(group.network for group in groups)))
        cells = [
            _cell(stance, [one for one in own if one.objection == objection], len(tasks) > 1)
            for objection, (stance, _) in zip(OBJECTIONS, judgements[1], strict=True)
        ]
        counted = "/".join(str(sum(stance == each for stance, _ in judgements[1])) for each in SYMBOLS)
        rows.append([Said(judgements[0], f"on {networks}"), *cells, counted])
    notes = [f"{name}: {interventions[name].about}" for name in dict.fromkeys(sorted(one.name for one in tested))]
    where = [f"Interventions on {tasks[0]} only."] if len(tasks) == 1 else []
    caption = "Objections by declaration and by experiment" if tested else "Objections by declaration"
    columns = [*map(Column, ("rule", *OBJECTIONS, "/".join(SYMBOLS.values())))]
    return Table(caption, columns, rows, [("", note) for note in [*where, *notes]], look="stacked")


def reasons_table(results: StudyResults) -> Table:
    """Why each rule avoids, partly avoids or does not avoid each objection."""
    rows = [
        [
            Said(title, f"on {wording.listed(list(dict.fromkeys(group.network for group in groups)))}"),
            *(Said(f"{SYMBOLS[stance]} {SAID[stance]}", why, mark=stance) for stance, why in judgements),
        ]
        for (title, judgements), groups in _judged(results).items()
    ]  # fmt: skip
    return Table("", [Column("rule"), *map(Column, OBJECTIONS)], rows, look="cards")


def _judged(results: StudyResults) -> dict[tuple[str, tuple[tuple[str, str], ...]], list[Group]]:
    """The groups with the same rule title and the same judgements."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Group]] = {}
    for group in groups_of(results):
        if group.proper and group.judgements:
            judgements = tuple((stance, why) for stance, why in group.judgements)
            found.setdefault((group.rule_title, judgements), []).append(group)
    return found


def _cell(stance: str, tested: Sequence[Experiment], several_tasks: bool) -> Said:
    """The symbol, and one line per intervention."""
    lines = [f"{one.name}{f', {one.before.task}' if several_tasks else ''} {one.change_text}" for one in tested]
    lost = stance == "relaxed" and any(one.clear_loss for one in tested)
    return Said(SYMBOLS[stance], "\n".join(lines), mark="missed" if lost else stance)
