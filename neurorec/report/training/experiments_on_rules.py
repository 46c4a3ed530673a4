"""Interventions: how the score of a rule changes when training lacks what one objection to backpropagation is about."""

from dataclasses import dataclass

from neurorec.experiments.results import StudyResults
from neurorec.learning.intervention import interventions
from neurorec.report.spread import Spread, spread
from neurorec.report.table import Column, Table
from neurorec.report.training.summary import Group, groups_of

ABOUT_EXPERIMENTS = (
    "An experiment removes from training what an objection is about. A rule that avoids the objection should lose nothing. "
    "Differences are paired by seed, and count only if they exceed twice their standard deviation."
)


@dataclass(frozen=True)
class Experiment:
    """One training with and without an intervention."""

    name: str
    before: Group
    after: Group
    difference: Spread  #: after minus before, seed by seed

    @property
    def objection(self) -> str:
        return interventions[self.name].objection

    @property
    def verdict(self) -> str:
        """ "no clear loss", "loses .10", "no better than the constant answer", ..."""
        if self.difference.sd is None:
            return f"{self._change} (one seed only)"
        if abs(self.difference.mean) <= 2 * self.difference.sd or self.difference.mean == 0:
            return "no clear loss"
        sign = 1 if self.before.higher_is_better else -1
        chance = max(run.chance_score * sign for run in self.after.runs)
        nothing = sign * self.after.test.mean - (self.after.test.sd or 0.0) <= chance
        return f"{self._change}: no better than the constant answer" if nothing else self._change

    @property
    def _change(self) -> str:
        lost = (self.difference.mean < 0) == self.before.higher_is_better
        return (
            f"{'loses' if lost else 'gains'} {abs(self.difference.mean):.3f}"
            if self.difference.mean
            else "no clear loss"
        )


def outcomes(results: StudyResults) -> list[Experiment]:
    """Every intervention for which both trainings finished on at least one seed."""
    groups = groups_of(results)
    proper = {(group.task, *group.key): group for group in groups if group.proper}
    found = []
    for after in groups:
        before = proper.get((after.task, *after.key)) if after.control in interventions else None
        if before is None:
            continue
        scores = {run.seed: run.test_score for run in before.runs}
        difference = spread(run.test_score - scores[run.seed] for run in after.runs if run.seed in scores)
        if difference.n:
            found.append(Experiment(after.control, before, after, difference))
    return found


def experiments_table(found: list[Experiment]) -> Table:
    columns = [*map(Column, ("experiment", "objection", "network", "rule", "task")), Column("without", "number"),
               Column("with", "number"), Column("verdict")]  # fmt: skip
    rows = [
        [one.name, one.objection, one.before.network, one.before.rule_title, one.before.task, str(one.before.test),
         str(one.after.test), one.verdict]
        for one in sorted(found, key=lambda one: one.name)
    ]  # fmt: skip
    notes = [("", f"{name}: {interventions[name].about}") for name in dict.fromkeys(sorted(one.name for one in found))]
    return Table("Objections tested by experiment", columns, rows, notes, look="fine")


def by_experiment(found: list[Experiment], rule_title: str, networks: list[str], objection: str) -> str:
    """What the experiments on one objection showed for a rule, in one clause; empty if there were none."""
    said = [
        f"{one.name} on {one.before.task}: {one.verdict}"
        for one in found
        if one.objection == objection and one.before.rule_title == rule_title and one.before.network in networks
    ]
    return f". By experiment: {'; '.join(said)}" if said else ""
