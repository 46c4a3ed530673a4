"""The search for constants: the same budget for all, validation data only, resumed instead of repeated."""

import dataclasses
import shutil

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.experiments.search import trials
from neurorec.experiments.search.proposals import propose
from neurorec.experiments.search.space import Span
from neurorec.experiments.search.trial_records import TrialRecord, best_of
from neurorec.experiments.study import load_study
from neurorec.tasks.task import SPLITS, load_task
from neurorec.training import load_pair, train
from tests.experiments.tiny import Notebook, in_this_process, write_study

SEARCH = """
[search]
trials = 3
epochs = 1
samples = 64
seeds = [7]
sampler = "tpe"
sampler_seed = 0
[search.shared]
learning_rate = { log = [1e-4, 1e-1] }
[search.rules.bptt]
batch_size = { choices = [16, 32] }
"""


def write(folder, search=SEARCH):
    card = write_study(folder)
    card.write_text(card.read_text() + search)
    return card


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A tiny study with a search, run once: its card, its folder, its results."""
    home = tmp_path_factory.mktemp("search")
    card = write(home)
    return card, home / "out", run_study(prepare_study(card, out=home / "out"), make_executor=in_this_process)


def test_every_training_gets_the_same_budget_and_then_its_best_constants(searched):
    _, _, results = searched
    assert {training: len(results.search.of(training)) for training in {r.training for r in results.search.records}} == {
        ("tiny", "rate", "bptt", "store_recall"): 3, ("tiny", "spiking", "bptt", "store_recall"): 3,
    }  # fmt: skip
    assert {record.samples_seen for record in results.search.records} == {64}
    assert {record.seed for record in results.search.records} == {7}
    for run in results.runs:
        if run.half != "baseline":
            best = best_of(results.search.of((run.pair, run.half, run.rule, run.task)))
            assert run.settings == best.settings
            assert set(best.settings) == {"learning_rate", "batch_size"}
    (run,) = [run for run in results.runs if run.half == "rate" and not run.control]
    half = load_pair(searched[0].parent / "tiny.toml").rate.with_constants("bptt", "store_recall", run.settings)
    again = train(half, load_task("store_recall", 0), "bptt", 0)
    assert again.scores["test"] == run.test_score  # trained with what is recorded


def test_the_same_command_again_tries_nothing(searched, monkeypatch):
    card, out, results = searched
    monkeypatch.setattr(trials, "train", lambda *_, **__: pytest.fail("a trial was repeated"))
    notebook = Notebook()
    again = run_study(prepare_study(card, out=out), notebook, in_this_process)
    assert notebook.ended == {}
    assert again.search == results.search


def test_a_search_that_was_stopped_continues_as_if_it_had_not_been(searched, tmp_path):
    card, out, results = searched
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    gone = {record.run_id for record in results.search.records if record.number > 0}
    for run_id in gone:
        (copy / "search" / f"{run_id}.json").unlink()
    damaged = copy / "search" / f"{results.search.records[0].run_id}.json"
    damaged.write_text(damaged.read_text().replace('"score"', '"scare"'))
    notebook = Notebook()
    again = run_study(prepare_study(card, out=copy), notebook, in_this_process)
    assert set(notebook.ended) == gone | {damaged.stem}
    plain = [dataclasses.replace(record, wall_s=0) for record in results.search.records]
    assert [dataclasses.replace(record, wall_s=0) for record in again.search.records] == plain


def test_trials_never_see_test_data(searched, monkeypatch):
    _, _, results = searched
    task, read = load_task("store_recall", 7), []
    own = task.split
    object.__setattr__(task, "split", lambda name: read.append(name) or own(name))
    blind = task.without_test()
    for name in SPLITS:
        blind.split(name)
    assert set(read) == {"train", "validation"}
    assert (blind.split("test").x == own("validation").x).all()
    read.clear()
    monkeypatch.setattr(trials, "load_task", lambda *_: task)
    trials._blind.cache_clear()
    record = results.search.records[0]
    pair = load_pair(searched[0].parent / "tiny.toml")
    spec = trials.TrialSpec(record.run_id, pair.name, pair.text, record.half, record.rule, record.task, record.seed, 0,
                            record.settings, "auto", "cpu", 1, 64)  # fmt: skip
    again = trials.execute_trial(spec, type("Silent", (), {"tell": lambda *_: None})())
    trials._blind.cache_clear()
    assert again.score == record.score
    assert set(read) == {"train", "validation"}


def test_environments_hide_their_test_episodes():
    task = load_task("delayed_match_to_sample", 0)
    count, generator = task.without_test().episodes("test")
    expected, own = task.episodes("validation")
    assert count == expected
    assert generator.initial_seed() == own.initial_seed()


def test_a_trial_that_fails_is_told_as_the_worst_and_never_chosen():
    spans = {"learning_rate": Span(log=[1e-4, 1e-1])}
    told = [({"learning_rate": 1e-2}, 0.9), ({"learning_rate": 1e-1}, None)]
    ways = {"trials": 2, "sampler": "tpe", "seed": 0, "purpose": "test", "higher_is_better": True}
    assert 1e-4 <= propose(spans, told, **ways)["learning_rate"] <= 1e-1
    records = [TrialRecord(str(n), "p", "rate", "bptt", "t", 0, n, settings, score=score)
               for n, (settings, score) in enumerate(told)]  # fmt: skip
    assert best_of(records).number == 0
    assert best_of(records[1:]) is None
    losses = [dataclasses.replace(record, score=score, higher_is_better=False)
              for record, score in zip(records, (0.9, 0.3), strict=True)]  # fmt: skip
    assert best_of(losses).number == 1


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_proposals_depend_only_on_what_was_told_and_stay_within_their_spans(sampler):
    spans = {
        "rate": Span(log=[1e-4, 1e-1]), "share": Span(linear=[0.2, 0.9]), "units": Span(linear=[3, 5]),
        "kind": Span(choices=["one", "two"]),
    }  # fmt: skip
    ways = {"trials": 6, "sampler": sampler, "seed": 1, "purpose": "test", "higher_is_better": False}
    told = []
    for _ in range(6):
        proposed = propose(spans, told, **ways)
        assert propose(spans, told, **ways) == proposed
        assert 1e-4 <= proposed["rate"] <= 1e-1
        assert 0.2 <= proposed["share"] <= 0.9
        assert proposed["units"] in (3, 4, 5)
        assert proposed["kind"] in ("one", "two")
        told.append((proposed, proposed["rate"]))
    assert len({constants["rate"] for constants, _ in told}) == 6
    assert propose(spans, told, **ways | {"purpose": "another"}) != propose(spans, told, **ways)


def faulty(old, new):
    assert old in SEARCH
    return SEARCH.replace(old, new)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (faulty("learning_rate", "learning_rat"), 'study.toml: search.shared: no training has the key "learning_rat" (did you '
         'mean "learning_rate"?); known: batch_size, clip_norm, count_readout_penalties, learning_rate, '),
        (faulty("rules.bptt", "rules.bpt"), 'study.toml: search.rules: no training of the study is by rule "bpt" (did you mean '
         '"bptt"?); they use: bptt'),
        (faulty("batch_size", "epochs"), "study.toml: search.rules.bptt: epochs is the same in all trials; remove it"),
        (faulty("log = [1e-4, 1e-1]", "log = [0.0, 1e-1]"), "log = [0.0, 0.1]: both ends must be positive"),
        (faulty("log = [1e-4, 1e-1]", "log = [1e-1, 1e-4]"), "must be [low, high] (got [0.1, 0.0001])"),
        (faulty("log = [1e-4, 1e-1]", "linear = [-1.0, 1.0]"), "study.toml: search.shared.learning_rate, for bptt on "
         "store_recall.learning_rate: must be greater than 0 (got -1.0)"),
        (faulty("choices = [16, 32]", "choices = [16]"), "choices: give at least two"),
        (faulty("choices = [16, 32]", "choices = [16, 32.5]"), "search.rules.bptt.batch_size, for bptt on store_recall"),
        (faulty("choices = [16, 32]", "choices = [16, 32], linear = [1, 2]"), "give one of linear = [low, high], log = [low, "
         "high] and choices = [...] (got linear and choices)"),
        (faulty("trials = 3", "trials = 0"), "search.trials: must be greater than 0 (got 0)"),
        (faulty("trials = 3", "trails = 3"), 'search: key "trails" is not known (did you mean "trials"?)'),
        (SEARCH + '[search.fixed]\nbptt = "why"\n', "search.fixed: bptt also has a table search.rules.bptt; remove one"),
        (SEARCH.split("[search.shared]")[0], "study.toml: search: nothing is searched for rule bptt, although every rule must "
         'get the same budget; add [search.rules.bptt], or give a reason under [search.fixed]: bptt = "why not"'),
    ],
)  # fmt: skip
def test_a_faulty_search_is_refused(tmp_path, search, message):
    with pytest.raises(InputError) as refused:
        load_study(write(tmp_path, search))
    assert message in str(refused.value)


def test_a_quick_run_tries_little(tmp_path):
    prepared = prepare_study(write(tmp_path), quick=True, out=tmp_path / "out")
    results = run_study(prepared, make_executor=in_this_process)
    assert "first, a search for constants on validation data: 2 trials for each of 2 trainings" in prepared.plan
    assert (results.search.trials, results.search.epochs, results.search.samples) == (2, 1, 32)
