"""Means over seeds against numbers worked out by hand, and sentences that follow the numbers."""

import math
from dataclasses import replace

import pytest

from neurorec.report import wording
from neurorec.report.spread import spread
from neurorec.report.training.answer import answer, between_rules
from neurorec.report.training.naming import told_apart
from neurorec.report.training.summary import groups_of
from tests.report.made_up import made_up_results, with_failure, with_scores

STDP, BPTT = ("competitive LIF", "stdp", "frame_digits"), ("competitive LIF", "bptt", "frame_digits")


def test_spread_of_three_seeds():
    found = spread([0.5, 0.6, 0.7])
    assert found.mean == pytest.approx(0.6)
    assert found.sd == pytest.approx(0.1)
    assert found.n == 3


def test_spread_leaves_out_what_is_not_a_number():
    assert spread([0.5, math.nan, None]) == spread([0.5])
    assert spread([0.5]).sd is None
    assert spread([]).n == 0


def test_groups_average_over_seeds(tmp_path):
    results = with_scores(made_up_results(tmp_path), {STDP: (0.70, 0.80, 0.93)})
    group = next(g for g in groups_of(results, "frame_digits") if g.rule == "stdp")
    assert group.test.mean == pytest.approx(0.81)
    assert group.test.sd == pytest.approx(math.sqrt((0.11**2 + 0.01**2 + 0.12**2) / 2))
    # compute 4e5, memory 3e5, communication 1e5, static 2e5, times 1, 1.1 and 1.2
    assert group.costs["loihi1"].total.mean == pytest.approx(1.1e6)
    assert group.costs["loihi1"].low_pJ == pytest.approx(0.6e6)
    assert group.costs["loihi1"].high_pJ == pytest.approx(1.9 * 1.2e6)


def test_a_failed_seed_is_counted_apart(tmp_path):
    groups = groups_of(with_failure(made_up_results(tmp_path), "silent"), "row_digits")
    lstm = next(g for g in groups if g.network == "LSTM" and g.proper)
    assert (lstm.test.n, len(lstm.failed)) == (2, 1)


def test_order_is_ridge_then_nets_with_controls_beneath_then_chance(tmp_path):
    groups = groups_of(made_up_results(tmp_path), "row_digits")
    assert (groups[0].control, groups[-1].control) == ("ridge on input", "chance")
    assert [(g.network, g.control) for g in groups[1:3]] == [("Elman", ""), ("Elman", "frozen recurrence")]


@pytest.mark.parametrize(
    ("stdp", "verdict", "said"),
    [
        ((0.80, 0.81, 0.82), "behind", "without surrogate BPTT it loses 0.100"),
        ((0.99, 0.98, 0.99), "ahead", "without surrogate BPTT it gains 0.077"),
        ((0.90, 0.91, 0.92), "within the spread", "is within the spread"),
        ((0.92, 0.89, 0.93), "within the spread", "is within the spread"),
    ],
)
def test_the_answer_follows_the_numbers(tmp_path, stdp, verdict, said):
    results = with_scores(made_up_results(tmp_path), {STDP: stdp, BPTT: (0.90, 0.91, 0.92)})
    assert [at.verdict for at in between_rules(results)] == [verdict]
    assert said in answer(results)[0]


def test_several_rules_are_compared_with_the_one_that_keeps_most(tmp_path):
    """Each with the reference only, not with each other."""
    results = with_scores(made_up_results(tmp_path), {STDP: (0.80, 0.81, 0.82), BPTT: (0.90, 0.91, 0.92)})
    by_stdp = [run for run in results.runs if (run.network, run.rule, run.task) == STDP]
    other = [
        replace(run, run_id=f"{run.run_id}-b", rule="other", rule_title="another", test_score=0.95) for run in by_stdp
    ]
    results = replace(results, runs=[*results.runs, *other])
    assert [at.other.rule for at in between_rules(results)] == ["bptt", "bptt"]
    assert (
        "competitive LIF scores 0.910 ± 0.010 trained by surrogate BPTT, and by another 0.950 (gains 0.040 ± 0.010) and STDP "
        "0.810 (loses 0.100 ± 0.000) (mean, n = 3)."
    ) in answer(results)[0]


def test_rules_are_compared_when_another_pair_has_the_same_title_for_one_of_them(tmp_path):
    results = with_scores(made_up_results(tmp_path), {STDP: (0.80, 0.81, 0.82), BPTT: (0.90, 0.91, 0.92)})
    by_stdp = next(run for run in results.runs if run.rule == "stdp" and not run.control)
    named = told_apart(replace(results, runs=[*results.runs, replace(by_stdp, pair="another", run_id="another")]))
    assert len({run.network for run in named.runs if run.pair == by_stdp.pair and run.half == by_stdp.half}) == 2
    assert [at.difference_text for at in between_rules(named)] == [at.difference_text for at in between_rules(results)]


def test_the_second_sentence_counts_wins_and_losses(tmp_path):
    results = made_up_results(tmp_path)
    assert "is behind its rate-based partner in 5; the largest" in answer(results)[1]
    spiking = [("recurrent LIF", "bptt"), ("adaptive LIF", "bptt")]
    better = {(name, rule, task): (0.99, 1.0, 1.0) for name, rule in spiking for task in ("row_digits", "store_recall")}
    assert (
        "is behind its rate-based partner in 1, ahead in 3 and within the spread in 1"
        in answer(with_scores(results, better))[1]
    )


def test_one_seed_settles_nothing(tmp_path):
    results = made_up_results(tmp_path, seeds=(0,))
    assert "is from one seed, so its spread is unknown" in answer(results)[0]
    assert "In 5 comparisons" in answer(results)[1]
    assert ", with one seed each and therefore without a known spread, the largest difference is" in answer(results)[1]


def test_nothing_to_compare_is_said(tmp_path):
    first, second = answer(made_up_results(tmp_path, seeds=()))
    assert "rules cannot be compared" in first
    assert "cannot be compared" in second


def test_rules_are_not_mentioned_where_each_network_has_one(tmp_path):
    results = made_up_results(tmp_path)
    one_rule = [run for run in results.runs if run.rule != "stdp"]
    (only,) = answer(replace(results, runs=one_rule))
    assert only.startswith("In ")


@pytest.mark.parametrize(
    ("value_pJ", "text"), [(0.0, "0 pJ"), (12.34, "12.3 pJ"), (999.9, "1.00 nJ"), (1.1e6, "1.10 µJ"), (3e12, "3.00 J")]
)
def test_energy_has_a_unit_that_fits(value_pJ, text):
    assert wording.energy(value_pJ) == text
    assert wording.energy(value_pJ, at_least=True) == f"≥ {text}"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (312.5, "312"), (31250.0, "31.2k"), (999999.0, "1.00M")])
def test_counts(value, text):
    assert wording.count(value) == text


def test_the_answer_names_what_needs_no_network(tmp_path):
    results = made_up_results(tmp_path)
    (ridge,) = [group for group in groups_of(results, "frame_digits") if group.control == "ridge on input"]
    assert f"Without any network, ridge on input scores {ridge.test} on frame_digits." in answer(results)[0]


@pytest.mark.parametrize(("low", "value", "high", "text"), [
    (0.904e6, 1.29e6, 2.09e6, "[0.90–2.1]"),
    (156e6, 156e6, 480e6, "[156–480]"),  # two digits would give 160 to 480
    (14.98e6, 15.02e6, 15.31e6, "[15.0–15.3]"),
    (14.98e6, 15.0e6, 15.01e6, ""),
    (None, 1.0, 2.0, ""),
])  # fmt: skip
def test_a_band_holds_its_value_as_printed(low, value, high, text):
    assert wording.energy_band(low, high, value) == text


def test_every_quantity_has_a_space_before_its_unit_and_no_exponent():
    assert wording.quantity(9.06e6, "bit") == "9.06 Mbit"
    assert wording.quantity(54.0, "W") == "54.0 W"
    assert wording.quantity(0.0227, "W") == "22.7 mW"
    assert wording.quantity(0, "bit") == "0 bit"
    assert wording.duration(0.0551) == "55.1 ms"
    assert [wording.plural(n, "step") for n in (1, 4, 1024, 2.5)] == ["1 step", "4 steps", "1,024 steps", "2.5 steps"]


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (0.942, 0.01, "0.942 ± 0.010"),
        (4000.0, 0.0, "4,000 ± 0"),
        (4287.97, 4.95, "4,288 ± 4.95"),
        (1307.2, None, "1,307"),
        (2.57e-5, 3.5e-6, "2.57e-05 ± 3.5e-06"),
    ],
)
def test_means_over_seeds_have_the_digits_that_say_something(mean, sd, text):
    assert wording.plus_minus(mean, sd) == text
