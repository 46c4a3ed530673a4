"""Studies: complete, resumable, repeatable; a failure takes nothing else down."""

import dataclasses
import json
import os
import shutil

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.experiments import plan, store
from neurorec.experiments.finished import Finished
from neurorec.experiments.finished import finished as finished_run
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from neurorec.experiments.plan import Options, plan_runs
from neurorec.experiments.results import RunRecord
from neurorec.experiments.store import RunStore, read_activity, read_run, read_weights
from neurorec.experiments.study import load_study
from tests.experiments.tiny import Notebook, in_this_process, write_study

DEFAULT = "backprop_vs_stdp"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tiny study, run once: its card, its folder, its results."""
    home = tmp_path_factory.mktemp("study")
    card = write_study(home)
    prepared = prepare_study(card, out=home / "out")
    return card, home / "out", run_study(prepared, make_executor=in_this_process)


def run_again(card, out):
    notebook = Notebook()
    results = run_study(prepare_study(card, out=out), notebook, in_this_process)
    return notebook, results


def test_every_planned_run_is_there_with_its_files(finished):
    _, out, results = finished
    kinds = sorted((run.half, run.control) for run in results.runs)
    assert kinds == [
        ("baseline", "chance"), ("baseline", "ridge on input"), ("rate", ""), ("rate", "frozen recurrence"),
        ("spiking", ""), ("spiking", "frozen recurrence"),
    ]  # fmt: skip
    for run in results.runs:
        assert run.status == "done"
        files = {path.name for path in (out / "done" / run.run_id).iterdir()}
        trained = {"run.json", "weights.safetensors", "history.csv", "activity.npz", "tiny.toml"}
        assert files == {"manifest.json"} | (trained if run.half != "baseline" else {"run.json"})
    assert (out / "study.toml").read_text() == finished[0].read_text()
    assert len(json.loads((out / "plan.json").read_text())) == 6


def test_every_network_is_priced_on_every_chip_and_exported_or_refused(finished):
    _, _, results = finished
    trained = [run for run in results.runs if run.half != "baseline"]
    assert len(results.costs) == 2 * len(trained)
    assert {cost.can_run for cost in results.costs} == {True, False}
    assert all(cost.why_not for cost in results.costs if not cost.can_run)
    verdicts = {run["run_id"].split("-")[1]: run for run in results.exports}
    assert "0 of" in verdicts["spiking"]["verdict"]
    assert verdicts["spiking"]["path"].endswith(".nir")
    assert verdicts["rate"]["verdict"].startswith("refused: ")


def test_the_same_command_again_does_nothing(finished):
    card, out, results = finished
    notebook, again = run_again(card, out)
    assert (notebook.total, notebook.already_done, notebook.ended) == (6, 6, {})
    assert [run.test_score for run in again.runs] == [run.test_score for run in results.runs]


def test_only_what_is_missing_is_done_and_comes_out_the_same(finished, tmp_path):
    card, out, _ = finished
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    (gone,) = (copy / "done").glob("tiny-spiking-bptt-store_recall-*")
    before = read_weights(gone), read_run(gone), read_activity(gone)
    shutil.rmtree(gone)
    notebook, _ = run_again(card, copy)
    assert list(notebook.ended) == [gone.name]
    after = read_weights(gone), read_run(gone), read_activity(gone)
    assert all(torch.equal(before[0][key], after[0][key]) for key in before[0])
    same = dataclasses.replace(before[1], wall_s=0) == dataclasses.replace(after[1], wall_s=0)
    assert same
    assert all((seen.raster == after[2].layers[name].raster).all() for name, seen in before[2].layers.items())


def test_a_run_killed_half_way_is_never_believed(finished, tmp_path, monkeypatch):
    _card, out, _ = finished
    (source,) = (out / "done").glob("tiny-rate-bptt-store_recall-*")
    record = read_run(source)
    target = RunStore(tmp_path / "out")
    target.open()
    with monkeypatch.context() as patch:
        patch.setattr(store.os, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))  # dies before the rename
        with pytest.raises(KeyboardInterrupt):
            target.put(finished_run(record))
    assert not target.has(record.run_id)
    assert len(list(target.working.iterdir())) == 1
    target.open()
    assert list(target.working.iterdir()) == []
    target.put(finished_run(record))
    assert target.has(record.run_id)


def ids(study, **options):
    return [spec.run_id for spec in plan_runs(study, Options((0,), device="cpu", **options))]


def test_a_run_id_covers_what_determines_the_result(tmp_path, monkeypatch):
    study = load_study(write_study(tmp_path / "a"))
    base = ids(study)
    assert ids(load_study(write_study(tmp_path / "same"))) == base
    other_gain = ids(load_study(write_study(tmp_path / "b", input_gain=5.0)))
    changed = [one != two for one, two in zip(base, other_gain, strict=True)]
    assert changed == ["-spiking-" in run_id for run_id in base]  # the other half's card did not change
    assert not set(base) & {spec.run_id for spec in plan_runs(study, Options((1,), device="cpu"))}
    capped = ids(study, max_epochs=1)
    assert [one == two for one, two in zip(base, capped, strict=True)] == ["tiny" not in run_id for run_id in base]
    torch_engine = ids(study, engine="torch")
    assert [one != two for one, two in zip(base, torch_engine, strict=True)] == [
        "-spiking-" in run_id for run_id in base
    ]
    monkeypatch.setattr(plan, "code_digest", lambda: "other code")
    assert not set(base) & set(ids(study))
    monkeypatch.undo()
    monkeypatch.setattr(plan, "versions", lambda: {"torch": "0"})
    assert not set(base) & set(ids(study))


def test_the_code_digest_reads_the_code(monkeypatch, tmp_path):
    before = plan.code_digest.__wrapped__()
    shutil.copytree(plan.PACKAGE, tmp_path / "neurorec", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(plan, "PACKAGE", tmp_path / "neurorec")
    assert plan.code_digest.__wrapped__() == before
    with open(tmp_path / "neurorec" / "models" / "cells" / "lif.py", "a") as file:
        file.write("# one more line\n")
    assert plan.code_digest.__wrapped__() != before


def test_failed_runs_are_marked_the_others_go_on_and_they_are_tried_again(tmp_path):
    card = write_study(tmp_path, input_gain=0.0, rate_learning_rate=3e37, epochs=3)
    notebook, results = run_again(card, tmp_path / "out")
    failed = {run.half: run for run in results.runs if run.status == "failed" and not run.control}
    assert failed["rate"].reason == (
        "the loss became inf; lower learning_rate (now 3e+37) or clip_norm (now 1) in the pair card"
    )
    assert failed["spiking"].reason.startswith(
        "no neuron of the recurrent LIF layer spiked on the whole test split: raise input_gain (now 0.0) "
        "or lower v_threshold (now 1) in the pair card"
    )
    assert failed["spiking"].network == "recurrent LIF"
    assert sum(run.status == "done" for run in results.runs) == 2  # the baselines
    assert sum(bool(reason) for reason in notebook.ended.values()) == 4
    again, _ = run_again(card, tmp_path / "out")
    assert again.already_done == 2
    assert len(again.ended) == 4


def test_a_defect_in_one_run_does_not_take_the_others_down(tmp_path, monkeypatch):
    from neurorec.experiments import execute

    def broken(*args, **kwargs):
        raise ZeroDivisionError("1 / 0")

    monkeypatch.setattr(execute, "train", broken)
    _, results = run_again(write_study(tmp_path), tmp_path / "out")
    reasons = {run.reason for run in results.runs if run.status == "failed"}
    assert reasons == {
        reason for reason in reasons if reason.startswith("ZeroDivisionError: 1 / 0 (at test_studies.py:")
    }
    assert len(reasons) == 1
    assert sum(run.status == "done" for run in results.runs) == 2


def test_frozen_elman_cannot_recall_at_all(finished):
    _, _, results = finished
    (frozen,) = [run for run in results.runs if run.half == "rate" and run.control == "frozen recurrence"]
    assert frozen.test_score == 0.5


def test_an_output_folder_that_cannot_be_written(tmp_path):
    card = write_study(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        run_again(card, tmp_path / "file" / "out")
    assert str(caught.value) == (
        f"{tmp_path}/file/out: the output folder cannot be written (Not a directory); choose another with --out"
    )


def test_impossible_studies_are_refused_before_anything_runs(tmp_path):
    card = write_study(tmp_path)
    text = card.read_text()
    for wrong, said in [
        (text.replace('report_chip = "loihi1"', 'report_chip = "odin"'), 'report_chip: "odin" must be one of chips'),
        (
            text.replace("seeds = [0]\ncontrols", "seeds = [0, 0]\ncontrols"),
            "seeds: 0 is listed twice; remove one",
        ),
        (text.replace('["tiny"]', '["lif_vs_elmann"]'), 'there is no card "lif_vs_elmann" in models/ (did you mean'),
        (text.replace('"cortex_m4"', '"cortex_m5"'), 'there is no card "cortex_m5" in hardware/ (did you mean'),
    ]:
        card.write_text(wrong)
        with pytest.raises(InputError) as caught:
            prepare_study(card, out=tmp_path / "out")
        assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_asking_for_more_seeds_or_an_engine_that_runs_nothing(tmp_path):
    card = write_study(tmp_path)
    assert {spec.seed for spec in prepare_study(card, seeds=3).specs} == {0, 1, 2}
    with pytest.raises(InputError, match="--seeds 0: at least one seed is needed"):
        prepare_study(card, seeds=0)
    with pytest.raises(InputError, match="--jobs 0"):
        prepare_study(card, jobs=0)
    with pytest.raises(InputError, match='device "gpu" is not known; use cpu, cuda or auto'):
        prepare_study(card, device="gpu")
    rate_only = (tmp_path / "tiny.toml").read_text().replace('name = "lif"', 'name = "competitive_lif"')
    assert rate_only
    with pytest.raises(
        InputError,
        match=r'engine "nors" is not known \(did you mean "norse"\?\); known: auto; blocks, fused, norse, torch',
    ):
        prepare_study(card, engine="nors")


def test_the_default_study_is_what_the_issue_asks_for():
    study = load_study(DEFAULT)
    specs = plan_runs(study, Options(tuple(study.card.seeds), device="cpu"))
    assert len(study.card.seeds) == 3
    tasks = {pair.name: {t.task for half in pair.halves for t in half.trainings} for pair in study.pairs}
    sequences = {"row_digits", "store_recall"}
    assert tasks == {
        "lif_vs_elman": sequences,
        "adaptive_lif_vs_lstm": sequences,
        "liquid_state_vs_echo_state": sequences,
        "competitive_lif_vs_competitive_learning": {"frame_digits"},
    }
    rules = {(spec.half, spec.rule) for spec in specs if spec.pair == "competitive_lif_vs_competitive_learning"}
    assert rules == {("rate", "competitive"), ("spiking", "stdp"), ("spiking", "bptt")}
    assert len({spec.run_id for spec in specs}) == len(specs)


@pytest.mark.parametrize("pair", ["lif_vs_elman", "adaptive_lif_vs_lstm", "liquid_state_vs_echo_state"])
def test_the_delay_of_store_recall_is_at_least_ten_membrane_time_constants(pair):
    from neurorec.tasks.store_recall import DELAY_FRAMES
    from neurorec.training import load_pair

    spiking = load_pair(pair).spiking
    delay_ms = DELAY_FRAMES * spiking.encoder.steps_per_frame * spiking.architecture.layers["hidden"].dt_ms
    assert delay_ms >= 10 * spiking.architecture.layers["hidden"].tau_mem_ms


def test_a_rule_that_cannot_train_a_net_is_refused_with_its_place(tmp_path):
    card = write_study(tmp_path)
    pair = (tmp_path / "tiny.toml").read_text()
    (tmp_path / "tiny.toml").write_text(pair.replace('rule = "bptt"', 'rule = "stdp"'))
    with pytest.raises(CannotRun, match=r"tiny\.toml: rate: rule STDP cannot train Elman: its units send values"):
        prepare_study(card)
    reservoir = """
name = "echo_state"
size = 12
spectral_radius = 0.9
leak = 0.5
density = 0.5
input_scale = 1.0
bias_scale = 0.2
"""
    old = 'name = "elman"\nsize = 12\ninput_gain = 1.0\nrecurrent_gain = 1.0\n'
    (tmp_path / "tiny.toml").write_text(pair.replace(old, reservoir))
    with pytest.raises(CannotRun) as caught:
        prepare_study(card)
    assert str(caught.value) == (
        "tiny.toml: rate: rule BPTT cannot train echo state: its recurrent layer is fixed; "
        "train its readout with the rule ridge"
    )


def test_record_round_trip(tmp_path):
    record = RunRecord(
        run_id="x", pair="p", half="rate", control="", network="n", layers={"hidden": "c"}, rule="r", rule_title="R",
        task="t", seed=0,
        engine="e", device="cpu", metric="accuracy", unit="", higher_is_better=True, baseline="b",
        train_score=1.0, validation_score=0.5, test_score=0.25,
        extra_scores={"m": {"test": 0.1}}, chance_score=0.1, baseline_score=0.2, parameters=3, spikes_per_sample=0.5,
        judgements=[("kept", "why")], status="done", reason="", wall_s=1.0, training={"a": 1.0}, versions={"v": "1"},
    )  # fmt: skip
    target = RunStore(tmp_path)
    target.open()
    target.put(finished_run(dataclasses.replace(record, status="failed", reason="NaN")))
    assert target.get("x").reason == "NaN"
    target.put(finished_run(record))
    assert list((tmp_path / "failed").iterdir()) == []
    assert target.get("x") == dataclasses.replace(record, folder=tmp_path / "done" / "x")
    assert target.get("y") is None
    (tmp_path / "done" / "x" / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: damaged"):
        read_run(tmp_path / "done" / "x")
    target.put(Finished("y", {"run.json": b"{}"}))
    with pytest.raises(InputError, match=r"run\.json: not a file of this version \(run_id is missing\)"):
        read_run(tmp_path / "done" / "y")
    with pytest.raises(InputError, match="this is not the folder of a finished run"):
        read_run(tmp_path / "nowhere")
    assert os.listdir(tmp_path / "working") == []
