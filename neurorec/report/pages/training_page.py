"""The page of a training study."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from neurorec.experiments.results import RunRecord, StudyResults
from neurorec.report import wording
from neurorec.report.analysis_parts import analysis_sections
from neurorec.report.page import Page, page_of
from neurorec.report.parts import Facts, Fold, Heading, Notes, Plots, Section, Text
from neurorec.report.plots.style import Plot
from neurorec.report.training import matrix, tables
from neurorec.report.training.answer import answer, between_rules, halves_answer, spiking_against_rate
from neurorec.report.training.experiments_on_rules import experiments_table, outcomes
from neurorec.report.training.gallery import Gallery
from neurorec.report.training.learned import about_learning, energy_answer, learning_tables
from neurorec.report.training.naming import told_apart
from neurorec.report.training.notes import about_totals, health_notes
from neurorec.report.training.objection_costs import (
    LEAD,
    are_compared,
    costs_answer,
    costs_of,
    costs_table,
    every_cost_table,
)
from neurorec.report.training.objections import about
from neurorec.report.training.rows import COLUMNS, csv_rows
from neurorec.report.training.searched import search_parts
from neurorec.report.training.summary import chips_of, groups_of, tasks_of

UNSEEN = "Scores on test samples not used in training"
EXHAUSTIVE = (
    "Scores after the last epoch, as expectations over a known distribution: every split holds all its patterns, so that "
    "nothing is held out"
)
ABOUT_RESULTS = (
    "; mean ± standard deviation over seeds. Energy is per inference "
    "of one sample: the mean over seeds, in brackets the band of prices over all seeds. ≥ marks a total "
    "in which a term has no price. The last column counts how many of the six objections to backpropagation the "
    "rule avoids, partly avoids and does not avoid."
)
ABOUT_PLOTS = (
    "Large markers are means with one standard deviation, small dots are single seeds; hollow markers are controls. "
    "Vertical lines are trivial baselines, which need no network."
)
ABOUT_ENERGY = (
    "Energy per inference on a log axis. The pale bar is the band of prices, the thin line the standard deviation "
    "of the score. An arrow at the end of a bar, and ≥ in the legend, mean that the total is a lower bound because a term "
    "has no price. Networks that the chip cannot run are not shown, but listed under the table."
)
ABOUT_PARTS = (
    "Chips marked per-term are priced operation by operation, so their total can be split. For chips marked all-in only "
    "a total is known; they are shown separately, because the two kinds of figures are not directly comparable."
)
ABOUT_CURVES = (
    "Lines are means over seeds, shading extends from the lowest to the highest seed. The curve of a rule that learns without "
    "targets is its score by label assignment. Rules that solve in one step have no curve."
)
ABOUT_PANELS = (
    " One panel per rule, with BPTT as pale dotted lines. Open circles: where the mean over seeds had covered 90 % of the gain "
    "over the constant answer. Colours are those of the first figure: blue for spiking networks, orange for rate-based ones."
)
ABOUT_SPIKES = "One test sample each, lowest seed; every mark is one spike, input at the top, layers below."
ABOUT_WEIGHTS = "Each small image shows the input weights of one unit, arranged like the input image."


@page_of.register(StudyResults)
def training_page(results: StudyResults) -> Page:
    rows = csv_rows(results)
    results = told_apart(results)
    gallery = Gallery(results)
    return Page(
        study=results.study, question=results.question, answer=_answer(results, gallery), quick=results.quick,
        findings=results.findings, failures=results.failures,
        sections=[
            Section("table", "Results", _results(results, gallery)),
            Section("learning", "How fast, and at what cost, they learn", _learning(results, gallery)),
            Section("energy", "Score against energy", _energy(gallery, results)),
            Section("breakdown", "Where the energy goes", _breakdown(gallery, results)),
            Section("objections", "Which biological objections each rule avoids", _objections(results)),
            Section("nets", "Activity of the networks", _nets(gallery)),
            *analysis_sections(results.analyses),
            Section("search", "How the hyperparameters were chosen", search_parts(results, gallery.training_chip)),
            Section("matched", "What is matched within each pair", _matched(results)),
            Section("exports", "Exports", [tables.export_table(results)] if results.exports else []),
        ],
        how=how_it_was_run(results), sources=results.sources,
        data=(COLUMNS, [list(row.values()) for row in rows]), picture=_picture(results, gallery),
    )  # fmt: skip


def _answer(results: StudyResults, gallery: Gallery) -> tuple[str, ...]:
    costs = costs_of(results)
    if are_compared(costs):
        return costs_answer(costs), halves_answer(results)
    energy = energy_answer(results, gallery.training_chip) if gallery.compares_rules else ""
    return (*answer(results), *([energy] if energy else []))


def _picture(results: StudyResults, gallery: Gallery) -> Section | None:
    """What each objection costs, and score against objections avoided, if rules differ in them."""
    if not gallery.compares_rules:
        return None
    drawn = Plots(lambda: gallery.objections, about=about(gallery.training_chip))
    folded = Fold("All costs with both scores", [every_cost_table(results)])
    parts = [Text(LEAD), costs_table(results), drawn, folded] if are_compared(costs_of(results)) else [drawn]
    return Section("picture", "What avoiding the objections to backpropagation costs", parts)


def _learning(results: StudyResults, gallery: Gallery) -> list[Any]:
    if not gallery.compares_rules:
        return []
    chip = gallery.training_chip
    energy = energy_answer(results, chip) if are_compared(costs_of(results)) else ""
    return [Text(f"{about_learning(results, chip)} {energy}".strip()), *learning_tables(results, chip),
            Plots(lambda: gallery.curves, "Learning curves", ABOUT_CURVES + ABOUT_PANELS)]  # fmt: skip


def _objections(results: StudyResults) -> list[Any]:
    found = outcomes(results)
    scores = [Fold("Interventions, with both scores", [experiments_table(found)])] if found else []
    return [Text(matrix.about(results)), matrix.objection_matrix(results), *scores,
            Fold("The reasons, rule by rule", [matrix.reasons_table(results)])]  # fmt: skip


def _results(results: StudyResults, gallery: Gallery) -> list[Any]:
    chips = [chip for chip in tables.shown_chips(results) if chip]
    comparisons = between_rules(results) + spiking_against_rate(results)
    folded = Fold("All comparisons behind the answer", [
        Text("Differences are taken seed by seed. A difference counts only if it exceeds twice its own standard deviation."),
        tables.comparison_table(comparisons),
    ], text=False)  # fmt: skip
    return [
        Text(_scored(results) + ABOUT_RESULTS), *tables.main_tables(results),
        Notes(about_totals(groups_of(results), chips), terminal=True),
        Plots(lambda: gallery.scores, about=ABOUT_PLOTS), *([folded] if comparisons else []),
    ]  # fmt: skip


def _scored(results: StudyResults) -> str:
    """What the scores were measured on."""
    known = sorted({run.task for run in results.runs if run.exhaustive})
    if not known:
        return UNSEEN
    if all(run.task in known for run in results.runs):
        return EXHAUSTIVE
    return f"{UNSEEN} (of {', '.join(known)}: {EXHAUSTIVE[0].lower()}{EXHAUSTIVE[1:]})"


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
        Plots(lambda: gallery.all_in, title="All-in chips"), *figures,
    ]  # fmt: skip


def _nets(gallery: Gallery) -> list[Any]:
    curves = [] if gallery.compares_rules else [Plots(lambda: gallery.curves, "Learning curves", ABOUT_CURVES)]
    return [
        *curves, Plots(lambda: gallery.rasters, "Spikes", ABOUT_SPIKES),
        Plots(lambda: gallery.weights, "Weights as images", ABOUT_WEIGHTS),
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
        ("wall time", f"{wording.duration(results.wall_s)}; all runs together {wording.duration(together_s)}"),
        ("versions", ", ".join(f"{name} {' / '.join(sorted(v))}" for name, v in versions.items()) or "not recorded"),
        *[("note", note) for note in [*results.notes, *health_notes(runs)]],
        *[(f"chip {chip}", about) for chip, about in results.chips.items()],
    ]  # fmt: skip


def _networks(runs: Sequence[RunRecord]) -> str:
    return ", ".join(dict.fromkeys(run.network for run in runs))
