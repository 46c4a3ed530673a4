"""Interventions: how the score of a rule changes when training lacks what one objection to backpropagation is about."""

from dataclasses import dataclass

from neurorec.experiments.results import StudyResults
from neurorec.learning.intervention import interventions
from neurorec.report.spread import Spread, spread
from neurorec.report.table import Column, Table
from neurorec.report.training.summary import Group, groups_of


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
    def clear_loss(self) -> bool:
        return self.difference.sd is not None and self.verdict.startswith("loses")

    @property
    def change_text(self) -> str:
        """ "−0.031 ± 0.004", with a remark if nothing is left."""
        sd = "" if self.difference.sd is None else f" ± {self.difference.sd:.3f}"
        nothing = " (no better than constant)" if "constant answer" in self.verdict else ""
        return f"{self.difference.mean:+.3f}{sd}{nothing}".replace("-", "−")

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
    return Table("Interventions, with both scores", columns, rows, look="fine")
