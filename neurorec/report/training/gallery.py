"""All plots of a study, in the order of the page."""

from dataclasses import dataclass

from neurorec.experiments.results import StudyResults
from neurorec.report.plots.style import Plot
from neurorec.report.training.activity import raster, receptive_fields
from neurorec.report.training.breakdown import breakdown
from neurorec.report.training.curves import learning_curves
from neurorec.report.training.energy import all_in_totals, score_against_energy
from neurorec.report.training.looks import looks_of
from neurorec.report.training.scores import test_scores
from neurorec.report.training.summary import chips_of, groups_of, tasks_of


@dataclass(frozen=True)
class Gallery:
    """Plots by section; what could not be drawn is left out."""

    scores: list[Plot]
    energy: list[Plot]  #: score against energy on the report chip
    energy_elsewhere: dict[str, list[Plot]]  #: the same for the other chips
    breakdown: list[Plot]
    breakdown_elsewhere: dict[str, list[Plot]]
    all_in: list[Plot]
    curves: list[Plot]
    rasters: list[Plot]
    weights: list[Plot]

    @property
    def plots(self) -> list[Plot]:
        found = self.scores + self.energy + self.breakdown + self.all_in + self.curves + self.rasters + self.weights
        for elsewhere in (self.energy_elsewhere, self.breakdown_elsewhere):
            found = found + [plot for plots in elsewhere.values() for plot in plots]
        return found


def gallery_of(results: StudyResults) -> Gallery:
    groups = groups_of(results)
    looks = looks_of([group for group in groups if group.proper])
    by_task = {task: [group for group in groups if group.task == task] for task in tasks_of(results)}
    per_term, all_in = chips_of(results, "per-term"), chips_of(results, "all-in")
    chosen = next((chip for chip in (results.report_chip,) if chip in per_term + all_in), next(iter(per_term), ""))

    def energy(chip: str) -> list[Plot]:
        return _drawn(score_against_energy(task, found, chip, looks) for task, found in by_task.items())

    def split(chip: str) -> list[Plot]:
        return _drawn(breakdown(task, found, chip) for task, found in by_task.items())

    first_split = chosen if chosen in per_term else next(iter(per_term), "")
    return Gallery(
        scores=_drawn(test_scores(task, found, looks) for task, found in by_task.items()),
        energy=energy(chosen),
        energy_elsewhere={chip: energy(chip) for chip in per_term + all_in if chip != chosen},
        breakdown=split(first_split),
        breakdown_elsewhere={chip: split(chip) for chip in per_term if chip != first_split},
        all_in=_drawn(all_in_totals(task, found, all_in) for task, found in by_task.items()),
        curves=_drawn(learning_curves(task, found, looks) for task, found in by_task.items()),
        rasters=_drawn(raster(group) for group in groups),
        weights=[plot for group in groups for plot in receptive_fields(group)],
    )


def _drawn(plots) -> list[Plot]:
    return [plot for plot in plots if plot is not None]
