"""What each objection costs: the best rule that avoids it against BPTT, on the same half and task."""

import re
from dataclasses import replace

import pytest

from neurorec.learning.rule import OBJECTIONS
from neurorec.report.page import html, markdown
from neurorec.report.pages.training_page import training_page as page_of
from neurorec.report.training.answer import spiking_against_rate
from neurorec.report.training.naming import told_apart
from neurorec.report.training.objection_costs import are_compared, costs_answer, costs_of, costs_table
from neurorec.report.training.objections import score_against_objections
from neurorec.report.training.summary import groups_of
from tests.report.made_up import made_up_results, with_scores

KEPT, PARTLY, RELAXED = "kept", "partly", "relaxed"
NO_WEIGHTS = (KEPT, KEPT, RELAXED, PARTLY, KEPT, KEPT)


def trained_by(
    results, rule, title, stances, change, validation=0.0, half="spiking", pair="lif_vs_elman", task="row_digits"
):
    """The BPTT runs of one half once more, as those of another rule: its score differs by `change`, seed by seed."""
    runs = [
        replace(run, run_id=f"{run.run_id}-{title}", rule=rule, rule_title=title, test_score=run.test_score + change[run.seed],
                validation_score=run.validation_score + validation, judgements=[(stance, "") for stance in stances])
        for run in results.runs
        if (run.pair, run.half, run.rule, run.task, run.control) == (pair, half, "bptt", task, "")
    ]  # fmt: skip
    assert runs
    return replace(results, runs=[*results.runs, *runs])


@pytest.fixture
def results(tmp_path):
    """One pair on one task, by BPTT."""
    found = made_up_results(tmp_path)
    runs = [run for run in found.runs if run.task == "row_digits" and run.pair in ("lif_vs_elman", "")]
    return replace(found, runs=runs)


@pytest.fixture
def compared(results):
    """Two rules that avoid the third objection; the one with the better validation score has the worse test score."""
    found = trained_by(results, "eprop", "e-prop", NO_WEIGHTS, (-0.2, -0.21, -0.22), validation=0.02)
    return trained_by(
        found, "feedback_alignment", "feedback alignment", (KEPT, KEPT, RELAXED, KEPT, KEPT, KEPT), (0, 0, 0)
    )


def test_the_best_rule_is_chosen_by_validation_score(compared):
    (cost,) = [cost for cost in costs_of(compared) if cost.objection == OBJECTIONS[2]]
    assert (cost.task, cost.half, cost.fully, cost.found.one.rule) == ("row_digits", "spiking", True, "eprop")
    assert (cost.found.other.rule, cost.found.difference.n) == ("bptt", 3)
    assert cost.gain == pytest.approx(-0.21)
    assert cost.found.difference.sd == pytest.approx(0.01)
    assert cost.found.verdict == "behind"


def test_a_rule_must_avoid_more_than_bptt_does(compared):
    """Spiking BPTT already avoids two objections partly."""
    found = trained_by(compared, "rtrl", "RTRL", (KEPT, PARTLY, KEPT, KEPT, RELAXED, KEPT), (-0.1, -0.1, -0.1))
    assert [(cost.objection, cost.found.one.rule, cost.fully) for cost in costs_of(found)] == [
        (OBJECTIONS[2], "eprop", True),
        (OBJECTIONS[3], "eprop", False),
        (OBJECTIONS[4], "rtrl", True),
    ]


def test_only_the_same_half_and_task_are_compared(results):
    rate = trained_by(results, "eprop", "e-prop", NO_WEIGHTS, (0, 0, 0), half="rate")
    assert {(cost.half, cost.found.one.half, cost.found.other.half) for cost in costs_of(rate)} == {
        ("rate", "rate", "rate")
    }
    nothing = replace(rate, runs=[run for run in rate.runs if (run.half, run.rule) != ("rate", "bptt")])
    assert costs_of(nothing) == []


def test_a_rule_in_another_pair_card_of_the_same_half_counts(results):
    other = trained_by(results, "eprop", "e-prop", NO_WEIGHTS, (0, 0, 0))
    runs = [replace(run, pair="another") if run.rule == "eprop" else run for run in other.runs]
    assert {cost.found.one.pair for cost in costs_of(replace(other, runs=runs))} == {"another"}


def test_a_rule_that_trains_only_the_readout_is_a_line_and_not_a_candidate(compared):
    ridge = trained_by(compared, "ridge", "ridge readout", (RELAXED,) * 6, (0.05, 0.05, 0.05))
    assert {cost.found.one.rule for cost in costs_of(ridge)} == {"eprop"}
    table = costs_table(ridge)
    (row,) = [row for row in table.rows if row[0] == "hidden layer untrained"]
    assert row[1].text == "0.940 ± 0.010"
    (cell,) = [row[1] for row in table.rows if row[0] == OBJECTIONS[2]]
    assert cell.beside == "e-prop 0.680, no better than untrained"
    bptt = next(row for row in table.rows if row[0] == "none: BPTT")
    assert bptt[1].beside == "no better than untrained"  # 0.89; the readout alone: 0.94
    assert row[2] is None
    plot = score_against_objections("row_digits", groups_of(ridge), "cmos_45nm")
    assert plot is not None
    said = " ".join(re.findall(r"<text[^>]*>([^<]*)<", plot.svg))
    assert "untrained recurrent LIF, ridge readout 0.94" in said
    assert "6 of 6" not in plot.alt


def test_the_table_has_one_row_per_objection_between_bptt_and_what_needs_no_training(compared):
    table = costs_table(compared)
    assert [(column.above, column.head) for column in table.columns[1:]] == [
        ("row_digits", "spiking"),
        ("row_digits", "rate"),
    ]
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == ["none: BPTT", *OBJECTIONS, "ridge on input", "chance"]
    assert [(cell.text, cell.beside) for cell in rows["none: BPTT"]] == [("0.890 ± 0.010", ""), ("0.930 ± 0.010", "")]
    cell = rows[OBJECTIONS[2]][0]
    assert (cell.text, cell.beside, cell.mark) == ("−0.210 ± 0.010", "e-prop 0.680", "missed")
    assert rows[OBJECTIONS[3]][0].text == "◐ −0.210 ± 0.010"
    assert rows[OBJECTIONS[2]][1] is None


def test_the_answer_gives_the_cost_of_each_objection_and_names_what_no_rule_avoids(compared):
    found = trained_by(compared, "stdp", "STDP", (KEPT, KEPT, KEPT, KEPT, RELAXED, RELAXED), (-0.3, -0.3, -0.3))
    said = costs_answer(costs_of(found))
    assert "compared with BPTT on the same task and half (mean change in test accuracy over" in said
    assert "the tasks and halves with such a rule, so not a ranking)" in said
    assert "“weights of the forward paths” −0.210 (clear loss in 1 of 1); “precisely clocked phases” −0.210" in said
    assert said.index("precisely clocked") < said.index("target outputs")
    assert said.endswith(
        "No rule here avoids “only linear operations backward” and “derivatives of the forward nonlinearities” more than BPTT "
        "does."
    )


def test_scores_by_different_metrics_are_not_averaged(compared):
    mse = [replace(run, metric="mean squared error", unit="", higher_is_better=False, task="other", extra_scores={})
           for run in compared.runs]  # fmt: skip
    said = costs_answer(costs_of(replace(compared, runs=[*compared.runs, *mse])))
    assert "(by objection): “weights of the forward paths” clear loss in 1 of 2" in said


def test_the_page_begins_with_the_costs_if_several_rules_avoid_objections(compared, tmp_path):
    several = replace(trained_by(compared, "stdp", "STDP", (RELAXED,) * 6, (-0.3, -0.3, -0.3)), costs=[])
    page = page_of(several)
    assert page.answer[0] == costs_answer(costs_of(several))
    assert page.all_sections[0].id == "picture"
    text = html(page)
    assert text.index("Cost of each objection") < text.index("<svg")
    assert '<div class="plots wide">' in text
    assert "| none: BPTT | 0.890 ± 0.010 | 0.930 ± 0.010 |" in markdown(page)
    one = made_up_results(tmp_path)  # STDP only: its comparison with BPTT is the answer
    assert "Cost of each objection" not in str(page_of(one).picture)
    assert not are_compared(costs_of(one))


def test_halves_are_compared_by_the_same_rule_or_by_the_only_rule_of_each(compared, tmp_path):
    both = trained_by(compared, "eprop", "e-prop", NO_WEIGHTS, (0, 0, 0), half="rate")
    found = [(at.one.rule, at.other.rule) for at in spiking_against_rate(both)]
    assert found == [("bptt", "bptt"), ("eprop", "eprop")]
    native = [run for run in made_up_results(tmp_path).runs if run.rule in ("stdp", "competitive")]
    assert [(at.one.rule, at.other.rule) for at in spiking_against_rate(replace(both, runs=native))] == [
        ("stdp", "competitive")
    ]


def test_networks_are_told_apart_by_their_pair_only_where_rule_and_title_are_the_same(results):
    """E-prop with random feedback, in a card of its own, has a title of its own."""
    runs = trained_by(results, "eprop", "e-prop", NO_WEIGHTS, (0, 0, 0)).runs
    again = [replace(run, pair="another", run_id=f"{run.run_id}-b") for run in runs if run.rule == "eprop"]
    random = [replace(run, rule_title="e-prop, random feedback") for run in again]
    names = {run.network for run in told_apart(replace(results, runs=[*runs, *random])).runs if run.half == "spiking"}
    assert names == {"recurrent LIF"}
    names = {run.network for run in told_apart(replace(results, runs=[*runs, *again])).runs if run.rule == "eprop"}
    assert names == {"recurrent LIF (lif_vs_elman)", "recurrent LIF (another)"}


def test_a_loss_within_the_spread_is_not_coloured(results):
    found = trained_by(results, "eprop", "e-prop", NO_WEIGHTS, (-0.1, 0.1, -0.02))
    table = costs_table(with_scores(found, {}))
    assert {cell.mark for row in table.rows for cell in row if hasattr(cell, "mark")} == {""}
