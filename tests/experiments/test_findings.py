"""Findings: what is measured for a claim, what it is worth, and that it comes back from its file."""

from dataclasses import replace

import pytest

from neurorec.basics.cards import check_card
from neurorec.basics.errors import InputError
from neurorec.basics.plain import write_plain
from neurorec.experiments.findings import Baseline, FindingCard, Measured, digest_of, judge, machine, read_findings
from neurorec.experiments.kinds import load_any_study
from neurorec.experiments.kinds.trainings import Trainings, prepare_study, run_study
from neurorec.experiments.study import TrainingFinding
from tests.experiments.tiny import in_this_process, write_study
from tests.report.made_up import PUBLISHED, made_up_findings, made_up_results, with_other_rounding, with_scores

CLAIM = """
[[finding]]
claim = "The tiny Elman net recalls."
pair = "tiny"
half = "rate"
rule = "bptt"
task = "store_recall"
"""


def finding(*values, higher=True, bar=None, published=None):
    return judge(FindingCard(claim="It works.", bar=bar, published=published), Measured("m", "", higher, values))


def test_mean_spread_and_number_follow_from_the_values():
    found = finding(0.5, 0.6, 0.7)
    assert (found.mean, found.n) == (pytest.approx(0.6), 3)
    assert found.sd == pytest.approx(0.1)
    assert finding(0.5).sd is None


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (finding(0.9, 1.0, bar=0.94, published=PUBLISHED), "reproduced"),
        (finding(0.9, 0.9, bar=0.94, published=PUBLISHED), "missed"),
        (finding(0.9, 0.9, bar=0.94), "missed"),
        (finding(0.95, bar=0.94), "met"),
        (finding(0.95), "no bar"),
        (finding(0.2, higher=False, bar=0.3, published=PUBLISHED), "reproduced"),
        (finding(0.4, higher=False, bar=0.3, published=PUBLISHED), "missed"),
    ],
)
def test_the_verdict_follows_from_numbers_bar_and_direction(found, verdict):
    assert found.verdict == verdict


def test_findings_come_back_from_their_file(tmp_path):
    write_plain(made_up_findings(), tmp_path / "s.json")
    assert read_findings(tmp_path / "s.json") == made_up_findings()


def test_a_damaged_file_is_told_where_and_what_to_do(tmp_path):
    text = write_plain(made_up_findings(), tmp_path / "s.json").read_text()
    (tmp_path / "s.json").write_text(text.replace("0.8\n", '"high"\n', 1))
    told = r"not a findings file of this version \(findings\[0\]\.values\[1\]: must be a number, got 'high'\); publish"
    with pytest.raises(InputError, match=told):
        read_findings(tmp_path / "s.json")


def test_a_published_figure_needs_a_bar_and_a_known_source(tmp_path):
    plain = {"claim": "It works.", "published": {"value": 0.9, "source": "diehl2015", "grade": "read"}}
    with pytest.raises(
        InputError, match=r'"It works\.": a published figure needs a bar: state how close to it we must be'
    ):
        check_card(plain, FindingCard, "s.toml")
    card = write_study(tmp_path)
    card.write_text(
        card.read_text() + CLAIM + 'bar = 0.5\npublished = { value = 0.9, source = "diel2015", grade = "read" }\n'
    )
    with pytest.raises(InputError, match='"diel2015"'):
        load_any_study(card)
    card.write_text(card.read_text().replace('pair = "tiny"', 'pair = "tinny"'))
    with pytest.raises(InputError, match=r'finding: "tinny" must be one of pairs \(tiny\)'):
        load_any_study(card)


def measured(results, **chosen):
    settled = {"claim": "c", "pair": "lif_vs_elman", "half": "spiking", "rule": "bptt", "task": "row_digits"} | chosen
    return Trainings().measure(results, TrainingFinding.model_validate(settled))


def test_a_training_is_measured_seed_by_seed_beside_its_best_baseline(tmp_path):
    scores = {
        ("recurrent LIF", "bptt", "row_digits"): (0.5, 0.6, 0.8),
        ("Elman", "bptt", "row_digits"): (0.9, 0.8, 0.7),
    }
    results = with_scores(made_up_results(tmp_path), scores)
    own = measured(results)
    assert own == Measured("accuracy", "", True, (0.5, 0.6, 0.8), Baseline("ridge on input", pytest.approx(0.92)))
    difference = measured(results, minus={"half": "rate"})
    assert difference.values == pytest.approx((-0.4, -0.2, 0.1))
    assert (difference.metric, difference.baseline) == ("accuracy, difference", None)
    assert measured(results, task="frame_digits") is None
    assert measured(results, metric="recall").values == ()


def test_a_claim_on_another_score_is_judged_in_that_scores_own_sense(tmp_path):
    """The metric of a task may be better where it is lower, and its baseline says nothing of other scores."""
    results = made_up_results(tmp_path)
    others = {"long-range symbol": 0.75, "nats above the grammar": 0.25}
    extra = {name: dict.fromkeys(("train", "validation", "test"), value) for name, value in others.items()}
    told = {"task": "embedded_reber", "metric": "cross-entropy", "unit": "nats/symbol", "higher_is_better": False}
    results = replace(results, runs=[replace(run, **told, extra_scores=extra) for run in results.runs])
    assert measured(results, task="embedded_reber").baseline is not None
    for name, unit, higher in (("long-range symbol", "", True), ("nats above the grammar", "nats/symbol", False)):
        found = measured(results, task="embedded_reber", metric=name)
        assert (found.metric, found.unit, found.higher_is_better, found.baseline) == (name, unit, higher, None)
        assert set(found.values) == {others[name]}


def test_what_another_rounding_changes_stands_beside_the_claim(tmp_path):
    results = with_other_rounding(made_up_results(tmp_path), "recurrent LIF", 0.02)
    assert measured(results).rounding == pytest.approx(0.02)
    assert len(measured(results).values) == 3  # the rerun is no further seed
    assert measured(results, pair="adaptive_lif_vs_lstm").rounding is None
    frozen = measured(results, control="frozen recurrence")
    assert frozen.values  # a control is compared with no rerun of the proper training
    assert frozen.rounding is None


def test_a_finished_study_has_its_findings_and_the_digest_of_its_numbers(tmp_path):
    card = write_study(tmp_path)
    text = card.read_text() + CLAIM + CLAIM.replace("store_recall", "row_digits").replace("recalls", "reads")
    card.write_text(text.replace("seeds = [0]\ncontrols", 'remarks = ["a remark"]\nseeds = [0]\ncontrols'))
    results = run_study(prepare_study(card, out=tmp_path / "out"), make_executor=in_this_process)
    found = results.findings
    assert [each.claim for each in found.findings] == ["The tiny Elman net recalls."]
    assert found.not_measured == ("The tiny Elman net reads.",)
    assert (found.command, found.seeds, found.remarks) == (f"neurorec run {card}", (0,), ("a remark",))
    assert found.machine == machine()
    assert found.machine["cpu"]
    again = run_study(prepare_study(card, out=tmp_path / "out"), make_executor=in_this_process)
    assert again.findings == found
    moved = replace(results, runs=[replace(run, test_score=0.123) for run in results.runs])
    assert digest_of(Trainings().fingerprint(moved)) != found.digest
