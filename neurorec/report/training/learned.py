"""How fast and at what cost a network learned: samples to most of its final score, energy and bytes of its training."""

from neurorec.experiments.results import RunRecord, StudyResults
from neurorec.report import wording
from neurorec.report.spread import Spread, spread
from neurorec.report.table import Amount, Column, Said, Table
from neurorec.report.training.run_files import history
from neurorec.report.training.summary import ChipCost, Group, groups_of, tasks_of

SHARE = 0.9
ABOUT_LEARNING = (
    "Samples seen until the validation score has made {share:.0%} of its way from the constant answer to its best value (mean "
    "± standard deviation over seeds; – for rules that solve in one step or were never better than the constant answer). "
)
ABOUT_COSTS = (
    "Energy of the whole training and of one inference on {chip}, which prices {priced} of {all} trainings; in brackets the "
    "band of prices. The next column is what parts of the network send to each other in the whole training."
)


def about_learning(results: StudyResults, chip: str) -> str:
    groups = [group for group in groups_of(results) if group.proper and group.test.n]
    costs = [cost for group in groups if (cost := group.costs.get(chip)) is not None]
    priced = sum(cost.training_total_pJ is not None for cost in costs)
    said = ABOUT_COSTS.format(chip=chip, priced=priced, all=len(groups)) if chip else "No chip prices these trainings."
    return ABOUT_LEARNING.format(share=SHARE) + said


def samples_per_epoch(run: RunRecord) -> float:
    return run.training.get("samples_seen", 0.0) / max(1.0, run.training.get("epochs", 1.0))


def samples_to_share(run: RunRecord, share: float = SHARE) -> float | None:
    """Samples seen when the validation score had first made `share` of its way from the constant answer to its best value; None
    if it is not known, or never better than the constant answer."""
    seen = history(run)
    sign = 1 if run.higher_is_better else -1
    gains = {epoch: sign * (score - run.chance_score) for epoch, score in seen.items()}
    best = max(gains.values(), default=0.0)
    if best <= 0:
        return None
    return next(epoch for epoch, gain in gains.items() if gain >= share * best) * samples_per_epoch(run)


def training_chip(results: StudyResults) -> str:
    """The chip on which trainings are compared: the one that prices most of them, the report chip in case of a tie, then one
    without missing terms, then the first; "" if none prices any."""
    proper = {run.run_id for run in results.runs if run.half != "baseline" and not run.control}
    priced: dict[str, int] = {}
    complete: dict[str, int] = {}
    for cost in results.costs:
        if cost.run_id in proper and cost.training_total_pJ is not None and cost.total_pJ is not None:
            priced[cost.chip] = priced.get(cost.chip, 0) + 1
            complete[cost.chip] = complete.get(cost.chip, 0) + (not cost.training_unpriced and not cost.at_least)
    return max(priced, key=lambda chip: (priced[chip], chip == results.report_chip, complete[chip]), default="")


def learning_tables(results: StudyResults, chip: str) -> list[Table]:
    """One table per task: what each rule took to learn."""
    tables = []
    for task in tasks_of(results):
        groups = [group for group in groups_of(results, task) if group.proper and group.test.n]
        if not groups:
            continue
        columns = [
            Column("network"), Column("rule"), Column(f"test {groups[0].metric}\nmean ± sd (n)", "number"),
            Column("samples to\n90 % of gain", "number"), Column("training", "energy", above=chip),
            Column("one inference", "energy", above=chip), Column("sent in\ntraining", "number"),
            Column("avoided/\npartly/\nno", "number"),
        ]  # fmt: skip
        if not chip:
            columns = [column for column in columns if column.kind != "energy"]
        tables.append(Table(f"Learning {task}", columns, [_row(group, chip) for group in groups]))
    return tables


def _row(group: Group, chip: str) -> list:
    cost = group.costs.get(chip) if chip else None
    fast = spread(map(samples_to_share, group.runs))
    priced = [training_amount(cost), cost.amount if cost is not None else None] if chip else []
    stances = "/".join(map(str, group.stances.values())) if group.stances["kept"] != "" else None
    sent = cost.training_bits if cost is not None else None
    return [
        group.network, group.rule_title, Said(str(group.test), f"({group.test.n})"), _samples(fast), *priced,
        None if sent is None else wording.data_size(sent / 8), stances,
    ]  # fmt: skip


def _samples(fast: Spread) -> str | None:
    if not fast.n:
        return None
    return wording.count(fast.mean) if fast.sd is None else f"{wording.count(fast.mean)} ± {wording.count(fast.sd)}"


def training_amount(cost: ChipCost | None) -> Amount | None:
    """The energy of the whole training, with its band."""
    if cost is None or cost.training_total_pJ is None:
        return None
    return Amount(cost.training_total_pJ, cost.training_low_pJ, cost.training_high_pJ, cost.training_at_least)


def energy_answer(results: StudyResults, chip: str) -> str:
    """One sentence: how much energy trainings and inferences take, from the least to the most, per task; empty if unpriced."""
    trained, run = {}, {}
    for task in tasks_of(results):
        costs = [group.costs[chip] for group in groups_of(results, task) if group.proper and chip in group.costs]
        found = [cost.training_total_pJ for cost in costs if cost.training_total_pJ is not None]
        totals = [cost.total.mean for cost in costs if cost.total.n]
        if len(found) > 1 and len(totals) > 1:
            trained[task], run[task] = _range(found), _range(totals)
    if not trained:
        return ""
    return f"Energy on {chip}: a whole training takes {_by_task(trained)}; one inference takes {_by_task(run)}."


def _range(found: list[float]) -> str:
    return f"{wording.energy(min(found))} to {wording.energy(max(found))}"


def _by_task(said: dict[str, str]) -> str:
    return wording.listed([f"{text} on {task}" for task, text in said.items()])
