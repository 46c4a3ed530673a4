"""The page of a study that trains."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from neurorec.experiments.results import RunRecord, StudyResults
from neurorec.learning.rule import OBJECTIONS
from neurorec.report import wording
from neurorec.report.page import Page, page_of
from neurorec.report.parts import Facts, Fold, Heading, Notes, Plots, Section, Text
from neurorec.report.plots.style import Plot
from neurorec.report.training import tables
from neurorec.report.training.answer import answer, between_rules, spiking_against_rate
from neurorec.report.training.gallery import Gallery
from neurorec.report.training.notes import about_totals
from neurorec.report.training.rows import COLUMNS, csv_rows
from neurorec.report.training.summary import chips_of, groups_of, tasks_of

ABOUT_RESULTS = (
    "Scores on test samples that no training has seen; mean ± standard deviation over seeds. Energy is for one "
    "inference of one sample: the mean over seeds, in brackets the band of prices over all seeds. ≥ marks a total "
    "that lacks a price for some term. The last column counts how many of the six objections to backpropagation the "
    "rule relaxes, partly relaxes and keeps."
)
ABOUT_PLOTS = (
    "Large markers are means with one standard deviation, small dots are single seeds; hollow markers are controls. "
    "Vertical lines need no network, so they show what the network adds."
)
ABOUT_ENERGY = (
    "Energy of one inference on a log axis. The pale bar is the band of prices, the thin line the standard deviation "
    "of the score. An arrow at the end of a bar, and ≥ in the legend, say that the total is at least this: the chip "
    "has no price for some term. Networks that the chip cannot run are absent here and named under the table."
)
ABOUT_PARTS = (
    "Chips marked per-term are priced operation by operation, so their total can be split. Chips marked all-in are "
    "known only as a whole; they show one figure and stand apart, because the two kinds are not comparable number by "
    "number."
)
ABOUT_OBJECTIONS = (
    "Backpropagation is charged with six things a brain is not known to do. ● relaxes: the rule does without it. ◐ "
    "partly relaxes. ○ keeps: the rule needs it."
)
ABOUT_CURVES = (
    "Lines are means over seeds, shades reach from the lowest to the highest seed. Rules that solve in one step, or "
    "that never see a target while they learn, have no curve."
)
ABOUT_SPIKES = "One test sample each, lowest seed: every mark is one spike, input above, layers below."
ABOUT_WEIGHTS = "Each small picture shows the input weights of one unit, arranged as the image it looks at."


@page_of.register(StudyResults)
def training_page(results: StudyResults) -> Page:
    gallery = Gallery(results)
    rows = csv_rows(results)
    return Page(
        study=results.study, question=results.question, answer=answer(results), quick=results.quick,
        findings=results.findings, failures=results.failures,
        sections=[
            Section("table", "Results", _results(results, gallery)),
            Section("energy", "Score against energy", _energy(gallery, results)),
            Section("breakdown", "Where the energy goes", _breakdown(gallery, results)),
            Section("objections", "What each rule needs that biology does not have",
                    [Text(ABOUT_OBJECTIONS), tables.objection_table(results, OBJECTIONS)]),
            Section("nets", "What the networks do", _nets(gallery)),
            Section("matched", "What is matched within each pair", _matched(results)),
            Section("exports", "Exports", [tables.export_table(results)] if results.exports else []),
        ],
        how=how_it_was_run(results), sources=results.sources,
        data=(COLUMNS, [list(row.values()) for row in rows]),
    )  # fmt: skip


def _results(results: StudyResults, gallery: Gallery) -> list[Any]:
    chips = [chip for chip in tables.shown_chips(results) if chip]
    comparisons = between_rules(results) + spiking_against_rate(results)
    folded = Fold("Every comparison behind the answer", [
        Text("Differences are taken seed by seed. One counts only if it exceeds twice its own standard deviation."),
        tables.comparison_table(comparisons),
    ], text=False)  # fmt: skip
    return [
        Text(ABOUT_RESULTS), *tables.main_tables(results),
        Notes(about_totals(groups_of(results), chips), terminal=True),
        Plots(lambda: gallery.scores, about=ABOUT_PLOTS), *([folded] if comparisons else []),
    ]  # fmt: skip


def _energy(gallery: Gallery, results: StudyResults) -> list[Any]:
    chips = gallery.per_term + gallery.all_in_chips
    if not chips:
        return []
    first = Plots(lambda: gallery.energy(gallery.first_priced))
    return [Text(ABOUT_ENERGY), first, *_elsewhere(chips, gallery.first_priced, gallery.energy, results)]


def _elsewhere(
    chips: list[str], but: str, draw: Callable[[str], list[Plot]], results: StudyResults
) -> list[Fold]:  # fmt: skip
    scopes = {cost.chip: cost.scope for cost in results.costs}
    others = [chip for chip in chips if chip != but]
    return [Fold(f"The same on {chip}", [Plots(partial(draw, chip))], scopes[chip], text=False) for chip in others]


def _breakdown(gallery: Gallery, results: StudyResults) -> list[Any]:
    first = gallery.first_split
    figures = [
        Fold(f"All figures for {chip}", [*about, tables.cost_table(results, chip, scope)], scope, text=False)
        for scope in ("per-term", "all-in") for chip in chips_of(results, scope)
        for about in [[Text(results.chips[chip])] if results.chips.get(chip) else []]
    ]  # fmt: skip
    if not figures:
        return []
    return [
        Text(ABOUT_PARTS), Plots(lambda: gallery.breakdown(first)),
        *_elsewhere(gallery.per_term, first, gallery.breakdown, results),
        Plots(lambda: gallery.all_in, title="Chips known as a whole"), *figures,
    ]  # fmt: skip


def _nets(gallery: Gallery) -> list[Any]:
    return [
        Plots(lambda: gallery.curves, "Learning curves", ABOUT_CURVES), Plots(lambda: gallery.rasters, "Spikes", ABOUT_SPIKES),
        Plots(lambda: gallery.weights, "Weights as pictures", ABOUT_WEIGHTS),
    ]  # fmt: skip


def _matched(results: StudyResults) -> list[Any]:
    found = results.matched.items()
    facts = {pair: [(name.replace("_", " "), text) for name, text in said.items()] for pair, said in found}
    return [part for pair, said in facts.items() for part in (Heading(pair), Facts(said))]


def how_it_was_run(results: StudyResults) -> list[tuple[str, str]]:
    runs = [run for run in results.runs if run.half != "baseline"] or results.runs
    versions: dict[str, set[str]] = {}
    for run in results.runs:
        for name, version in run.versions.items():
            versions.setdefault(name, set()).add(version)
    engines = {
        engine: [run for run in runs if run.engine == engine] for engine in dict.fromkeys(r.engine for r in runs)
    }
    together_s = sum(run.wall_s for run in results.runs)
    done = sum(run.status == "done" for run in results.runs)
    return [
        ("runs", f"{done} finished, {len(results.runs) - done} failed; controls and baselines included"),
        ("seeds", ", ".join(str(seed) for seed in sorted({run.seed for run in results.runs}))),
        ("tasks", ", ".join(tasks_of(results))),
        ("engines", "; ".join(f"{name} ({len(found)} runs: {_networks(found)})" for name, found in engines.items())),
        ("devices", ", ".join(dict.fromkeys(run.device for run in runs))),
        ("wall time", f"{wording.duration(results.wall_s)} in all; the runs together {wording.duration(together_s)}"),
        ("versions", ", ".join(f"{name} {' / '.join(sorted(v))}" for name, v in versions.items()) or "not recorded"),
        *[("note", note) for note in results.notes],
        *[(f"chip {chip}", about) for chip, about in results.chips.items()],
    ]  # fmt: skip


def _networks(runs: Sequence[RunRecord]) -> str:
    return ", ".join(dict.fromkeys(run.network for run in runs))
