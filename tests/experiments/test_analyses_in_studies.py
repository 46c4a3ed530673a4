"""Studies of analyses, and analyses of trained networks: run once, resumed, judged, shown; failures take nothing else down."""

import dataclasses
import json

import pytest

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found
from neurorec.basics.cards import Card
from neurorec.basics.errors import CannotRun, InputError, RunFailed
from neurorec.basics.numbers import Potential
from neurorec.experiments.kind import Asked, run_kind
from neurorec.experiments.kinds import analysis_kind, load_any_study
from neurorec.experiments.kinds.analysis_kind import Analyses
from neurorec.experiments.kinds.trainings import Trainings, prepare_study, run_study
from neurorec.report.page import html
from neurorec.report.pages import page_of
from neurorec.report.studies import load_results, publish, write_report
from tests.experiments.tiny import Notebook, in_this_process, write_study

CARD = """
kind = "analysis"
about = "for tests"
question = "Does it count?"
seeds = [0, 1]
[[analysis]]
name = "parabola"
of = "square"
settings = { shift = 1.0 }
sweep = { x = [1.0, 2.0, 3.0] }
[quick]
seeds = [5]
sweep.parabola = { x = [2.0] }
settings.parabola = { shift = 0.0 }
[[finding]]
claim = "The square of 2 is within bounds."
analysis = "parabola"
value = "square"
at = { x = 2 }
between = [5.0, 6.0]
[[finding]]
claim = "The error is small."
analysis = "parabola"
value = "error"
at = { x = 3.0 }
bar = 0.5
"""


class SquareSettings(Card):
    x: Potential
    shift: Potential
    fail: bool = False


class Square(Analysis):
    """x^2 + shift + seed."""

    about = "A square"
    sources = ()
    Settings = SquareSettings
    example = {"x": 1.0, "shift": 0.0}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "square": Value("of x", "m²"), "error": Value("of the shift", higher_is_better=False), "nothing": Value("never there"),
    }  # fmt: skip
    runs = 0

    def run(self, settings, seed):
        Square.runs += 1
        if settings.fail and seed == 1:
            raise RunFailed("asked to")
        y = settings.x**2 + settings.shift + seed
        figure = Curves("Square", "It rises.", "x", "y", {"x": ([0.0], [y])})
        return Found(
            {"square": y, "error": abs(settings.shift), "nothing": float("nan")}, (figure,), {"error": ("none", 2.0)}
        )


@pytest.fixture
def square(monkeypatch):
    monkeypatch.setattr(analyses, "_members", {**analyses._members, "square": Square})
    monkeypatch.setattr(analysis_kind, "processes", lambda jobs: in_this_process())
    monkeypatch.setattr(Square, "runs", 0)


def run(tmp_path, text=CARD, **asked):
    (tmp_path / "card.toml").write_text(text)
    kind, notebook = Analyses(), Notebook()
    return run_kind(
        kind, kind.prepare(Asked(str(tmp_path / "card.toml"), out=tmp_path / "out", **asked)), notebook
    ), notebook


def test_every_point_and_seed_is_measured_once(square, tmp_path):
    results, notebook = run(tmp_path)
    assert [(each.at["x"], each.seed, each.values["square"]) for each in results.records] == [
        (1.0, 0, 2.0), (1.0, 1, 3.0), (2.0, 0, 5.0), (2.0, 1, 6.0), (3.0, 0, 10.0), (3.0, 1, 11.0),
    ]  # fmt: skip
    assert (notebook.total, notebook.already_done, Square.runs) == (6, 0, 6)
    again, notebook = run(tmp_path)
    assert (notebook.total, notebook.already_done, Square.runs) == (6, 6, 6)
    assert str(again) == str(dataclasses.replace(results, findings=again.findings))  # NaN differs from itself
    assert again.findings.digest == results.findings.digest


def test_claims_are_judged_by_bars_and_ranges(square, tmp_path):
    inside, missed = run(tmp_path)[0].findings.findings
    assert (inside.values, inside.between, inside.verdict, inside.metric) == (
        (5.0, 6.0),
        (5.0, 6.0),
        "met",
        "square, x 2",
    )
    assert [dataclasses.replace(inside, values=(y,)).verdict for y in (4.9, 5.0, 6.1)] == ["missed", "met", "missed"]
    assert (missed.values, missed.baseline.name, missed.baseline.value, missed.verdict) == (
        (1.0, 1.0),
        "none",
        2.0,
        "missed",
    )


def test_a_damaged_file_is_computed_again(square, tmp_path):
    run(tmp_path)
    path = next((tmp_path / "out" / "analyses").glob("*.json"))
    path.write_text(path.read_text().replace('"seed": ', '"seed": 1'))
    _, notebook = run(tmp_path)
    assert (notebook.already_done, Square.runs) == (5, 7)


def test_a_failure_is_reported_and_tried_again(square, tmp_path):
    results, _ = run(tmp_path, CARD.replace("shift = 1.0 }", "shift = 1.0, fail = true }"))
    assert results.failures == [f"parabola, x {x}, seed 1: asked to" for x in (1.0, 2.0, 3.0)]
    assert [each.status for each in results.records].count("done") == 3
    assert results.findings.findings[0].values == (5.0,)
    _, notebook = run(tmp_path, CARD.replace("shift = 1.0 }", "shift = 1.0, fail = true }"))
    assert notebook.already_done == 3


def test_quick_changes_settings_and_sweeps(square, tmp_path):
    results, _ = run(tmp_path, quick=True)
    assert [(each.at, each.seed, each.values["square"]) for each in results.records] == [({"x": 2.0}, 5, 9.0)]
    assert results.findings.findings == ()
    assert run(tmp_path, seeds=1)[0].findings.seeds == (0,)


def test_the_page_shows_values_plots_and_figures_of_the_first_seed_first(square, tmp_path):
    results, _ = run(tmp_path)
    page = html(page_of(results))
    assert 'aria-label="square against x. From 2.00 to 11.0."' in page
    assert "nothing against x" not in page
    assert page.index("x 1.0; seed 0:") < page.index("Figures of the other seeds")
    assert "1 of 2 bars are met." in page
    write_report(results)
    assert str(load_results(tmp_path / "out")) == str(results)
    publish(tmp_path / "out", tmp_path / "published" / "results")
    assert "5.000 to 6.000" in (tmp_path / "published" / "results.md").read_text()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('of = "square"', 'of = "squar"', r'card.toml: analysis parabola.of: analysis "squar" is not known \(did you mean'),
        ('of = "square"', 'of = "gradient_flow"', "examines a trained network: name it in a study of trainings"),
        ("shift = 1.0", "shift = 1.0, shft = 2", r'card.toml: analysis parabola: key "shft" is not known'),
        ("[1.0, 2.0, 3.0]", '[1.0, 2.0, "a"]', r"analysis parabola.x: must be a valid number \(got 'a'\)"),
        ("[1.0, 2.0, 3.0]", "[1.0, 1.0]", r"1.0 is listed twice; remove one"),
        ("shift = 0.0", "shft = 0.0", r'card.toml: quick, analysis parabola: key "shft" is not known'),
        ("sweep.parabola", "sweep.parabel", r'quick.sweep: there is no analysis "parabel" \(did you mean "parabola"'),
        ('analysis = "parabola"', 'analysis = "parable"', r'there is no analysis "parable" \(did you mean "parabola"'),
        ('value = "square"', 'value = "squares"', r'square gives no "squares" \(did you mean "square"\?\); it gives: square'),
        ("at = { x = 2 }", "at = { x = 4 }", r"at = \{'x': 4\} is not a point of the sweep \(x = \[1.0, 2.0, 3.0\]\)"),
        ("between = [5.0, 6.0]", "bar = 5.0", r'neither high nor low is better for "square"; give between'),
        ("between = [5.0, 6.0]", "bar = 5.0\nbetween = [5.0, 6.0]", "give bar or between, not both"),
    ],
)  # fmt: skip
def test_cards_that_cannot_work_are_refused_in_words(square, tmp_path, old, new, told):
    assert old in CARD
    (tmp_path / "card.toml").write_text(CARD.replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        load_any_study(tmp_path / "card.toml")


def test_two_analyses_of_one_name_are_refused(square, tmp_path):
    (tmp_path / "card.toml").write_text(CARD + '[[analysis]]\nof = "square"\nname = "parabola"\nsettings = {x = 1.0}\n')
    with pytest.raises(InputError, match='two analyses are called "parabola"; give them different names'):
        load_any_study(tmp_path / "card.toml")


OF_RUN = """
[[analysis]]
name = "flow"
of = "gradient_flow"
pair = "tiny"
half = "HALF"
rule = "bptt"
task = "store_recall"
settings = { samples = 3, most_steps = 10 }
[[finding]]
claim = "It vanishes."
analysis = "flow"
value = "growth per step"
between = [0.0, 1.0]
"""


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    home = tmp_path_factory.mktemp("analysed")
    card = write_study(home)
    text = card.read_text().replace('["baselines", "frozen recurrence"]', "[]")
    card.write_text(text + OF_RUN.replace("HALF", "spiking"))
    return card, run_study(prepare_study(card, out=home / "out"), make_executor=in_this_process)


def test_trained_networks_are_analysed_once_judged_and_shown(analysed):
    card, results = analysed
    (record,) = results.analyses
    assert (record.status, record.on, record.seed) == ("done", "tiny spiking bptt on store_recall", 0)
    (finding,) = results.findings.findings
    assert finding.values == (record.values["growth per step"],)
    assert 'id="analysis-flow"' in html(page_of(results))
    notebook = Notebook()
    again = run_study(prepare_study(card, out=results.folder), notebook, in_this_process)
    assert (notebook.total, notebook.already_done) == (1, 1)  # the analyses come last
    assert again.analyses == results.analyses
    Trainings().store(results)
    assert load_results(results.folder).analyses == results.analyses


def test_an_analysis_is_repeated_when_its_run_or_settings_change(analysed):
    card, results = analysed
    other = card.with_name("other.toml")
    other.write_text(card.read_text().replace("samples = 3", "samples = 4"))
    notebook = Notebook()
    again = run_study(prepare_study(other, out=results.folder), notebook, in_this_process)
    assert notebook.already_done == 0
    assert again.analyses[0].run_id != results.analyses[0].run_id
    assert len(json.loads(json.dumps(again.analyses[0].settings))) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('pair = "tiny"', 'pair = "small"', r'analysis: "small" must be one of pairs \(tiny\)'),
        ('rule = "bptt"', 'rule = "eprop"', "the card has no training by eprop on store_recall"),
        ('value = "growth per step"', "", "value: this key is missing; add it"),
        (
            'analysis = "flow"',
            'analysis = "flow"\nrule = "bptt"',
            "rule: the analysis names its training; remove this key",
        ),
        (
            'of = "gradient_flow"',
            'of = "chaos_spectrum"',
            'needs nothing trained: name it in a study of kind "analysis"',
        ),
    ],
)
def test_studies_of_trainings_refuse_analyses_that_cannot_work(tmp_path, old, new, told):
    card = write_study(tmp_path)
    assert old in OF_RUN
    card.write_text(card.read_text() + OF_RUN.replace("HALF", "spiking").replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        prepare_study(card)


def test_an_analysis_that_cannot_examine_the_network_is_refused_before_the_training(tmp_path, monkeypatch):
    card = write_study(tmp_path)
    card.write_text(card.read_text() + OF_RUN.replace("HALF", "rate"))
    monkeypatch.setattr(
        analyses["gradient_flow"], "why_not", lambda self, network, task: f"{network.title} is too plain"
    )
    told = "^analysis flow of pair tiny, rate half, on store_recall: Elman is too plain$"
    with pytest.raises(CannotRun, match=told):
        prepare_study(card)
