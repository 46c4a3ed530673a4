"""All plots of a training study, each drawn on request; what cannot be drawn is omitted."""

from collections.abc import Iterable
from functools import cached_property

from neurorec.experiments.results import StudyResults
from neurorec.report.plots.style import Plot
from neurorec.report.training.activity_plots import raster, receptive_fields
from neurorec.report.training.breakdown import breakdown
from neurorec.report.training.curves import curves_by_rule, learning_curves
from neurorec.report.training.energy import all_in_totals, score_against_energy
from neurorec.report.training.learned import training_chip
from neurorec.report.training.looks import looks_of
from neurorec.report.training.objections import compares_rules, score_against_objections
from neurorec.report.training.scores import test_scores
from neurorec.report.training.summary import chips_of, groups_of, tasks_of


class Gallery:
    """Plots by section of the page."""

    def __init__(self, results: StudyResults) -> None:
        self.groups = groups_of(results)
        self.by_task = {task: [group for group in self.groups if group.task == task] for task in tasks_of(results)}
        self.per_term, self.all_in_chips = chips_of(results, "per-term"), chips_of(results, "all-in")
        chips = self.per_term + self.all_in_chips
        self.first_priced = results.report_chip if results.report_chip in chips else next(iter(chips), "")
        self.first_split = (
            results.report_chip if results.report_chip in self.per_term else next(iter(self.per_term), "")
        )

        self.training_chip = training_chip(results)
        proper = [group for group in self.groups if group.proper]
        self.compares_rules = compares_rules([group for group in proper if group.test.n])
        self.looks = looks_of(proper, by_half=self.compares_rules)

    @cached_property
    def objections(self) -> list[Plot]:
        return _drawn(score_against_objections(task, found, self.training_chip) for task, found in self.by_task.items())

    @cached_property
    def scores(self) -> list[Plot]:
        return _drawn(test_scores(task, found, self.looks) for task, found in self.by_task.items())

    def energy(self, chip: str) -> list[Plot]:
        return _drawn(score_against_energy(task, found, chip, self.looks) for task, found in self.by_task.items())

    def breakdown(self, chip: str) -> list[Plot]:
        """All-in chips have no breakdown."""
        return _drawn(breakdown(task, found, chip) for task, found in self.by_task.items())

    @cached_property
    def all_in(self) -> list[Plot]:
        return _drawn(all_in_totals(task, found, self.all_in_chips) for task, found in self.by_task.items())

    @cached_property
    def curves(self) -> list[Plot]:
        draw = curves_by_rule if self.compares_rules else learning_curves
        return _drawn(draw(task, found, self.looks) for task, found in self.by_task.items())

    @cached_property
    def rasters(self) -> list[Plot]:
        return _drawn(raster(group) for group in self.groups)

    @cached_property
    def weights(self) -> list[Plot]:
        return [plot for group in self.groups for plot in receptive_fields(group)]


def _drawn(plots: Iterable[Plot | None]) -> list[Plot]:
    return [plot for plot in plots if plot is not None]
