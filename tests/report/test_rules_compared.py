"""The page of a study that compares rules: the first figure, how fast and at what cost rules learn, experiments."""

import re
from dataclasses import replace

import pytest

from neurorec.experiments.search.trial_records import SearchResults, TrialRecord
from neurorec.report.page import html
from neurorec.report.pages.training_page import training_page as page_of
from neurorec.report.plots.style import HALF_COLOURS
from neurorec.report.spread import spread
from neurorec.report.training import curves, learned
from neurorec.report.training.experiments_on_rules import outcomes
from neurorec.report.training.gallery import Gallery
from neurorec.report.training.learned import samples_to_share, training_chip
from neurorec.report.training.looks import looks_of
from neurorec.report.training.matrix import objection_matrix, reasons_table
from neurorec.report.training.objections import avoided, compares_rules, score_against_objections
from neurorec.report.training.rows import csv_rows
from neurorec.report.training.searched import search_parts
from neurorec.report.training.summary import groups_of
from tests.report.made_up import made_up_findings, made_up_results, with_scores

LIF, STDP = ("recurrent LIF", "bptt", "row_digits"), ("competitive LIF", "stdp", "frame_digits")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return made_up_results(tmp_path_factory.mktemp("compared"))


def intervened(results, name, network, rule, task, change):
    """The proper runs of one training once more, under an intervention, with test scores that differ by `change`."""
    runs = [
        replace(
            run, run_id=f"{run.run_id}-{name}", control=name, test_score=run.test_score + change[run.seed], folder=None
        )
        for run in results.runs
        if (run.network, run.rule, run.task, run.control) == (network, rule, task, "")
    ]
    return replace(results, runs=[*results.runs, *runs])


def test_partly_avoided_counts_one_half(results):
    found = {group.rule: avoided(group) for group in groups_of(results) if group.proper}
    assert found == {"bptt": 1.0, "ridge": 3.0, "competitive": 4.5, "stdp": 6.0}
    assert compares_rules([group for group in groups_of(results) if group.proper])
    assert not compares_rules([group for group in groups_of(results) if group.rule == "stdp"])


def test_the_picture_comes_first_and_its_size_is_the_energy_of_training(results):
    groups = groups_of(results, "frame_digits")
    plot = score_against_objections("frame_digits", groups, "cmos_45nm")
    assert plot is not None
    assert plot.wide
    assert plot.alt == (
        "frame_digits. Best spiking network: competitive LIF, surrogate BPTT, 0.910 ± 0.010 (1 of 6 avoided); fewest "
        "objections apply to competitive LIF, STDP, 0.800 ± 0.010 (6 of 6 avoided). Best rate-based network: competitive "
        "learning, competitive learning, 0.820 ± 0.010 (4.5 of 6 avoided)."
    )
    said = re.findall(r"<text[^>]*>([^<]*)<", plot.svg)
    assert {"STDP", "surrogate BPTT", "competitive learning", "spiking", "rate-based", "training 66.0 mJ"} <= set(said)
    assert all(colour.lower() in plot.svg.lower() for colour in HALF_COLOURS.values())
    unpriced = score_against_objections("frame_digits", groups, "")
    assert unpriced is not None
    assert "training " not in unpriced.svg


def test_halves_trained_by_the_same_rule_are_compared_in_the_picture(results):
    runs = [run for run in results.runs if run.pair in ("", "lif_vs_elman", "liquid_state_vs_echo_state")]
    plot = score_against_objections("row_digits", groups_of(replace(results, runs=runs), "row_digits"), "")
    assert plot is not None
    assert plot.alt.endswith("minus its rate-based partner: −0.045 (mean of 2).")  # −0.04 by BPTT, −0.05 by ridge


def test_the_picture_is_part_of_the_page(results):
    text = html(page_of(replace(results, findings=made_up_findings(), costs=[])))
    assert re.findall(r'<section id="(\w+)"', text)[:2] == ["picture", "findings"]


def test_a_study_of_one_rule_has_no_such_picture(results):
    page = page_of(replace(results, runs=[run for run in results.runs if run.rule in ("bptt", "")]))
    assert page.picture is None
    assert "learning" not in [section.id for section in page.all_sections]


@pytest.mark.parametrize(
    ("history", "higher", "expected"),
    [
        ({1: 0.2, 2: 0.80, 3: 0.83, 4: 0.9}, True, 3000),  # 90 % of 0.8 above chance is 0.82
        ({1: 0.05, 2: 0.1}, True, None),  # never above chance
        ({}, True, None),
        ({1: 0.09, 2: 0.02, 3: 0.0}, False, 3000),  # of a loss, whose constant answer scores 0.1
    ],
)
def test_samples_to_most_of_the_gain(results, monkeypatch, history, higher, expected):
    run = replace(
        results.runs[0], chance_score=0.1, higher_is_better=higher, training={"samples_seen": 4000.0, "epochs": 4.0}
    )
    monkeypatch.setattr(learned, "history", lambda _: history)
    assert samples_to_share(run) == expected


def test_trainings_are_compared_on_the_chip_that_prices_most(results):
    def chip(*prices, without=""):
        """The chip if only these chips price trainings, and the first of them not those by the rule `without`."""
        trained = {run.run_id: run.rule for run in results.runs}
        costs = [
            replace(cost, training_total_pJ=1.0
                    if cost.chip in prices and not (cost.chip == prices[0] and trained[cost.run_id] == without) else None)
            for cost in results.costs
        ]  # fmt: skip
        return training_chip(replace(results, costs=costs, report_chip="cmos_7nm"))

    assert chip("cmos_45nm", "cmos_7nm", "a100") == "cmos_7nm"  # the report chip
    assert chip("cmos_7nm", "cmos_45nm", without="stdp") == "cmos_45nm"
    assert chip("loihi1", "cmos_45nm") == "cmos_45nm"  # loihi1 cannot run rate-based networks
    assert chip("") == ""


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ((0.01, -0.01, 0.0), "no clear loss"),
        ((-0.1, -0.11, -0.09), "loses 0.100"),
        ((-0.8, -0.8, -0.81), "loses 0.803: no better than the constant answer"),
        ((0.05, 0.05, 0.05), "gains 0.050"),
    ],
)
def test_an_experiment_says_what_a_rule_loses(results, change, verdict):
    found = outcomes(intervened(results, "random feedback", *LIF, change))
    assert [(one.name, one.objection, one.verdict) for one in found] == [
        ("random feedback", "weights of the forward paths", verdict)
    ]


def test_a_cell_of_the_matrix_has_its_declaration_and_its_experiments(results):
    tested = intervened(results, "shuffled targets", *STDP, (-0.3, -0.31, -0.29))
    tested = intervened(tested, "quantised messages", *STDP, (0.01, -0.01, 0.0))
    table = objection_matrix(tested)
    (row,) = [row for row in table.rows if row[0].text == "STDP"]
    assert row[0].beside == "on competitive LIF"
    assert (row[6].text, row[6].beside) == ("●", "shuffled targets −0.300 ± 0.010")
    assert row[6].mark == "missed"  # it loses, although it avoids the objection by declaration
    assert (row[5].text, row[5].beside, row[5].mark) == ("●", "quantised messages +0.000 ± 0.010", "relaxed")
    assert all(cell.beside == "" for cell in row[1:5])
    assert row[7] == "6/0/0"
    assert ("", "Interventions on frame_digits only.") in table.notes
    (bptt,) = [row for row in table.rows if row[0].text == "BPTT"]
    assert [cell.text for cell in bptt[1:7]] == list("○◐○○◐○")
    sections = {section.id: section for section in page_of(tested).all_sections}
    assert "By experiment" in sections["objections"].parts[0].text
    (row,) = [row for row in reasons_table(tested).rows if row[0].text == "STDP"]
    assert (row[6].text, row[6].beside) == ("● avoided", "because of what STDP does at this point")


def test_losing_what_an_objection_is_about_is_no_contradiction_if_it_still_applies(results):
    table = objection_matrix(intervened(results, "shuffled targets", *LIF, (-0.8, -0.8, -0.81)))
    (row,) = [row for row in table.rows if row[0].text == "surrogate BPTT"]
    assert row[6].beside == "shuffled targets −0.803 ± 0.006 (no better than constant)"
    assert row[6].mark == "kept"


def test_interventions_on_several_tasks_name_theirs(results):
    tested = intervened(results, "shuffled targets", *LIF, (0.0, 0.0, 0.0))
    tested = intervened(tested, "shuffled targets", LIF[0], LIF[1], "store_recall", (-0.1, -0.1, -0.1))
    (row,) = [row for row in objection_matrix(tested).rows if row[0].text == "surrogate BPTT"]
    assert row[6].beside.splitlines() == [
        "shuffled targets, row_digits +0.000 ± 0.000",
        "shuffled targets, store_recall −0.100 ± 0.000",
    ]


def test_where_rules_are_compared_colours_are_those_of_the_first_figure(results):
    gallery = Gallery(results)
    for group in gallery.groups:
        if group.proper:
            assert gallery.looks.of(group)["color"] == HALF_COLOURS[group.half]
    one_rule = Gallery(replace(results, runs=[run for run in results.runs if run.rule == "bptt"]))
    pairs = {group.pair: one_rule.looks.of(group)["color"] for group in one_rule.groups if group.proper}
    assert len(set(pairs.values())) == len(pairs) == 3


def test_every_rule_has_a_panel_of_learning_curves(results, monkeypatch):
    """Both halves in one panel; the networks are named where two panels have the same rule."""
    scores = {1: 0.2, 2: 0.6, 3: 0.8, 4: 0.82}
    monkeypatch.setattr(curves, "history", lambda run: {} if run.rule == "ridge" else scores)
    monkeypatch.setattr(learned, "history", lambda run: {} if run.rule == "ridge" else scores)
    row = [run for run in results.runs if run.task == "row_digits"]
    more = [replace(run, rule=name, rule_title=name) for name in ("a", "b", "c") for run in row
            if (run.pair, run.rule, run.control) == ("lif_vs_elman", "bptt", "")]  # fmt: skip
    groups = groups_of(replace(results, runs=[*row, *more]))
    plot = curves.curves_by_rule("row_digits", groups, looks_of(groups, by_half=True))
    assert plot is not None
    said = re.findall(r"<text[^>]*>([^<]*)<", plot.svg)
    assert {"BPTT: Elman / recurrent LIF", "BPTT: LSTM / adaptive LIF", "a", "b", "c"} <= set(said)
    assert {"spiking", "rate-based", "spiking, BPTT", "rate-based, BPTT", "90% of the gain", "constant answer"} <= set(
        said
    )
    assert plot.alt.startswith("Validation accuracy on row_digits at the end of training. spiking: ")
    assert "a 0.82" in plot.alt
    few = curves.curves_by_rule("row_digits", [group for group in groups if group.rule == "bptt"], looks_of(groups))
    assert few is not None
    assert not few.wide


def test_the_circle_is_where_the_mean_of_the_seeds_has_covered_most_of_the_gain(results, monkeypatch):
    found = {0: {1: 0.1, 2: 1.0}, 1: {1: 0.1, 2: 0.5, 3: 1.0}, 2: {1: 1.0}}
    monkeypatch.setattr(learned, "history", lambda run: found[run.seed])
    group = next(group for group in groups_of(results, "row_digits") if group.rule == "bptt" and group.proper)
    assert [samples_to_share(run) for run in group.runs] == [8000, 12000, 4000]
    curve = {1: spread([0.0]), 2: spread([0.4]), 3: spread([1.0])}
    assert curves._fast(group, curve) == pytest.approx((8000.0, 0.4))


def test_a_page_states_what_a_search_chose_and_what_it_took(results):
    searched = ("lif_vs_elman", "spiking", "bptt", "row_digits")
    trials = [TrialRecord(str(n), *searched, 7, n, {"learning_rate": 0.1**n}, "accuracy", True, 0.5 + n / 10,
                          samples_seen=1000, wall_s=2.0) for n in (1, 2)]  # fmt: skip
    failed = TrialRecord("3", *searched, 7, 3, {"learning_rate": 1.0}, status="failed", reason="inf")
    search = SearchResults(3, 1, 1000, (7,), "tpe", {"bptt": {"learning_rate": {"log": [1e-3, 1.0]}}}, {"ridge": "closed form"},
                           [*trials, failed])  # fmt: skip
    with_search = replace(with_scores(results, {}), search=search)
    _, facts, table = search_parts(with_search, "cmos_45nm")
    assert dict(facts.facts)["searched for bptt"] == "learning_rate: 0.001 to 1 (log)"
    assert dict(facts.facts)["not searched for ridge"] == "closed form"
    (row,) = table.rows
    assert row[3:6] == ["3 (1)", "2.00k", "4.0 s"]
    assert row[7:] == ["0.700", "learning_rate = 0.01"]
    rows = [row for row in csv_rows(with_search) if row["network"] == "recurrent LIF" and row["task"] == "row_digits"]
    assert {(row["search_trials"], row["search_failed"], row["search_samples_seen"]) for row in rows} == {(3, 1, 2000)}
    priced = next(row for row in rows if row["chip"] == "cmos_45nm" and not row["control"])
    assert float(priced["search_training_pJ"]) == pytest.approx(float(priced["training_total_pJ"]) / 4000 * 2000)
    assert search_parts(results, "cmos_45nm") == []
