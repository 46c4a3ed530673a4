"""What each objection to backpropagation costs: the best rule that avoids it, compared with BPTT on the same half and task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from neurorec.experiments.results import StudyResults
from neurorec.learning.bptt import BPTT
from neurorec.learning.rule import OBJECTIONS, rules
from neurorec.report import wording
from neurorec.report.table import Column, Said, Table
from neurorec.report.training.answer import Comparison, compare
from neurorec.report.training.summary import Group, better, groups_of, tasks_of

HALVES = ("spiking", "rate")
RANKS = {"kept": 0, "partly": 1, "relaxed": 2}
LEAD = (
    "Test score of the best rule that avoids each objection, minus that of BPTT on the same task and half. The line below each "
    "difference gives this rule and its own score."
)
NOTES = (
    "Values are means ± standard deviations of the differences per seed; losses of more than two standard deviations are "
    "coloured. The best rule is chosen by validation score.",
    "◐: no rule avoids the objection fully here; this one avoids it partly.",
    "Rules that train only the readout are left out, because they do not train hidden layers.",
)


@dataclass(frozen=True)
class ObjectionCost:
    """One objection on one task and half."""

    task: str
    half: str
    objection: str
    fully: bool  #: whether the rule avoids it fully
    found: Comparison  #: the best rule that avoids it, compared with the reference

    @property
    def gain(self) -> float:
        """The mean difference; negative for a loss."""
        return self.found.difference.mean if self.found.one.higher_is_better else -self.found.difference.mean


def costs_of(results: StudyResults) -> list[ObjectionCost]:
    """For every task and half on which BPTT was trained: the cost of every objection that another rule avoids more."""
    groups = [group for group in groups_of(results) if group.proper and group.test.n and group.judgements]
    return [
        cost
        for task in tasks_of(results)
        for half in HALVES
        for cost in _costs([group for group in groups if (group.task, group.half) == (task, half)])
    ]


def are_compared(costs: Sequence[ObjectionCost]) -> bool:
    """Whether the costs come from several rules; one rule is simply compared with BPTT."""
    return len({cost.found.one.rule for cost in costs}) > 1


def references(results: StudyResults) -> dict[tuple[str, str], Group]:
    """(task, half) -> the network trained by BPTT; the one with the best validation score if there are several."""
    found: dict[tuple[str, str], list[Group]] = {}
    for group in groups_of(results):
        if group.proper and group.test.n and group.rule == rules.name_of(BPTT):
            found.setdefault((group.task, group.half), []).append(group)
    return {key: _best(groups) for key, groups in found.items()}


def _costs(groups: list[Group]) -> Iterator[ObjectionCost]:
    trained = [group for group in groups if group.rule == rules.name_of(BPTT)]
    if not trained:
        return
    reference = _best(trained)
    for at, objection in enumerate(OBJECTIONS):
        rank = {id(group): RANKS[group.judgements[at][0]] for group in groups}
        able = [group for group in groups if not group.untrained and rank[id(group)] > rank[id(reference)]]
        most = [group for group in able if rank[id(group)] == max(rank[id(group)] for group in able)]
        if most:
            one = _best(most)
            for found in compare(one, reference):
                yield ObjectionCost(one.task, one.half, objection, rank[id(one)] == RANKS["relaxed"], found)


def _best(groups: Sequence[Group]) -> Group:
    """The group with the best mean validation score."""

    def score(group: Group) -> float:
        known = group.scores[group.metric]["validation"]
        return (known.mean if group.higher_is_better else -known.mean) if known.n else float("-inf")

    return max(groups, key=score)


def costs_table(results: StudyResults) -> Table:
    """One row per objection, one column per task and half; also the scores of BPTT and those without a trained hidden layer."""
    costs, bptt = costs_of(results), references(results)
    places = [(task, half) for task in tasks_of(results) for half in HALVES if (task, half) in bptt]
    columns = [Column("objection avoided"), *(Column(half, "number", above=task) for task, half in places)]
    groups = [group for group in groups_of(results) if group.test.n]
    untrained = {place: _untrained(groups, *place) for place in places}
    cells = {(cost.objection, cost.task, cost.half): _cell(cost, untrained[cost.task, cost.half]) for cost in costs}
    rows: list[list[Any]] = [[f"none: {BPTT.title}", *(_score(bptt[place], untrained[place]) for place in places)]]
    rows += [[objection, *(cells.get((objection, *place)) for place in places)] for objection in OBJECTIONS]
    if any(untrained.values()):
        shown = [group and Said(str(group.test), group.rule_title) for group in untrained.values()]
        rows.append(["hidden layer untrained", *shown])
    for name in dict.fromkeys(group.network for group in groups if group.half == "baseline"):
        scores = {group.task: str(group.test) for group in groups if group.half == "baseline" and group.network == name}
        rows.append([name, *(scores.get(task) for task, _ in places)])
    minor = frozenset(range(1 + len(OBJECTIONS), len(rows)))
    return Table("Cost of each objection", columns, rows, [("", note) for note in NOTES], minor, look="stacked")


def _score(bptt: Group, untrained: Group | None) -> Said:
    useless = untrained is not None and not better(bptt, untrained)
    return Said(str(bptt.test), "no better than untrained" if useless else "")


def _cell(cost: ObjectionCost, untrained: Group | None) -> Said:
    one, bptt = cost.found.one, cost.found.other
    net = "" if one.network == bptt.network else f" on {one.network}"
    score = one.scores[cost.found.metric]["test"]
    useless = untrained is not None and not better(one, untrained)
    beside = f"{one.rule_title}{net} {score.mean:.3f}{', no better than untrained' if useless else ''}"
    partly = "" if cost.fully else "◐ "
    return Said(
        f"{partly}{cost.found.difference_text}", beside, mark="missed" if cost.found.verdict == "behind" else ""
    )


def _untrained(groups: list[Group], task: str, half: str) -> Group | None:
    """The network in which only the readout was trained; the best by validation score if there are several."""
    found = [group for group in groups if group.untrained and (group.task, group.half) == (task, half)]
    return _best(found) if found else None


def every_cost_table(results: StudyResults) -> Table:
    """All costs with both scores."""
    heads = ("task", "half", "objection", "best rule that avoids it", "avoided")
    columns = [*map(Column, heads), Column("its score", "number"), Column(BPTT.title, "number"),
               Column("cost", "number"), Column("n", "number"), Column("verdict")]  # fmt: skip
    rows = [
        [
            cost.task, cost.half, cost.objection, Said(cost.found.one.rule_title, cost.found.one.network),
            "fully" if cost.fully else "partly", *(str(group.scores[cost.found.metric]["test"])
                                                   for group in (cost.found.one, cost.found.other)),
            cost.found.difference_text, cost.found.difference.n, cost.found.verdict,
        ]
        for cost in costs_of(results)
    ]  # fmt: skip
    return Table("Cost of each objection, with both scores", columns, rows, look="fine")


def costs_answer(costs: Sequence[ObjectionCost]) -> str:
    """The answer in one or two sentences: the cost of each objection, and those that no rule avoids."""
    by_objection = {name: [cost for cost in costs if cost.objection == name] for name in OBJECTIONS}
    known = {name: found for name, found in by_objection.items() if found}
    one_metric = len({(cost.found.metric, cost.found.one.unit) for cost in costs}) == 1
    said = [f"“{name}” {_loss(known[name], one_metric)}" for name in known]
    missing = [f"“{name}”" for name in OBJECTIONS if name not in known]
    mean = f"mean change in test {costs[0].found.metric} over the tasks and halves with such a rule, so not a ranking"
    what = mean if one_metric else "by objection"
    text = (
        f"The best rule that avoids each objection, compared with {BPTT.title} on the same task and half ({what}): "
        f"{'; '.join(said)}."
    )
    return text + (f" No rule here avoids {wording.listed(missing)} more than {BPTT.title} does." if missing else "")


def _loss(found: list[ObjectionCost], one_metric: bool) -> str:
    """ "−0.031 (clear loss in 2 of 8)"."""
    lost = sum(cost.found.verdict == "behind" for cost in found)
    known = any(cost.found.difference.sd is not None for cost in found)
    clear = f"clear loss in {lost} of {len(found)}" if known else "spread unknown"
    return f"{fmean(cost.gain for cost in found):+.3f} ({clear})".replace("-", "−") if one_metric else clear
