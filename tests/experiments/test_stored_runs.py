"""Stored runs prove themselves: what was changed, lost or moved is named, set aside and done again."""

import dataclasses
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neurorec.basics.errors import CannotStore, InputError
from neurorec.basics.files import file_stem, write_atomically
from neurorec.experiments import execute as execution
from neurorec.experiments import store
from neurorec.experiments.collect import collect
from neurorec.experiments.finished import Finished, finished
from neurorec.experiments.folder import held
from neurorec.experiments.kind import run_kind
from neurorec.experiments.kinds.trainings import Trainings, prepare_study, run_study
from neurorec.experiments.store import RunStore, read_run
from neurorec.experiments.study import load_study
from neurorec.experiments.verbs import export_run
from neurorec.experiments.workloads import read_work
from neurorec.report.studies import load_results, rebuild_folder
from tests.experiments.tiny import Notebook, in_this_process, seal, write_study


class Listener(Notebook):
    def __init__(self):
        super().__init__()
        self.said = []

    def say(self, line):
        self.said.append(line)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    home = tmp_path_factory.mktemp("stored")
    prepared = prepare_study(write_study(home), out=home / "out")
    return home, run_here(prepared)


@pytest.fixture
def study(original, tmp_path):
    """A copy of a finished study: its card and its folder."""
    home, _ = original
    shutil.copytree(home, tmp_path / "copy")
    return tmp_path / "copy" / "study.toml", tmp_path / "copy" / "out"


def run_here(prepared, watcher=None, make_executor=in_this_process):
    """What `neurorec run` does, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurorec.experiments.kinds.trainings.processes", lambda jobs: make_executor())
        return run_kind(Trainings(), prepared, watcher or Notebook())


def again(study):
    card, out = study
    listener = Listener()
    return listener, run_here(prepare_study(card, out=out), listener)


def spiking(out):
    (folder,) = (out / "done").glob("tiny-spiking-bptt-store_recall-*")
    return folder


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


FAULTS = {
    "a flipped bit": (lambda folder: flip(folder / "weights.safetensors"), "weights.safetensors: damaged (it is not what"),
    "a score edited": (
        lambda folder: (folder / "run.json").write_text((folder / "run.json").read_text().replace("0.", "0.9", 1)),
        "run.json: damaged (it is not what was stored: its SHA-256 differs)",
    ),
    "a card edited": (
        lambda folder: (folder / "tiny.toml").write_text((folder / "tiny.toml").read_text().replace("5.0", "6.0", 1)),
        "tiny.toml: damaged",
    ),
    "cut short": (lambda folder: (folder / "activity.npz").write_bytes(b"PK"), "activity.npz: damaged"),
    "a file lost": (lambda folder: (folder / "history.csv").unlink(), "history.csv: missing"),
    "the record lost": (lambda folder: (folder / "run.json").unlink(), "run.json: missing"),
    "the manifest lost": (
        lambda folder: (folder / "manifest.json").unlink(),
        "manifest.json: missing, or this run was stored by an older version of neurorec; run the study again",
    ),
    "the manifest cut": (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: damaged (not a list"),
    "another run in its place": (
        lambda folder: (shutil.rmtree(folder), shutil.copytree(next(folder.parent.glob("tiny-rate-bptt-s*")), folder)),
        "damaged (it contains run tiny-rate-bptt-store_recall-seed0-",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_run_is_named_set_aside_and_done_again(original, study, fault):
    spoil, said = FAULTS[fault]
    folder = spiking(study[1])
    spoil(folder)
    listener, results = again(study)
    assert said in listener.said[0]
    (aside,) = (study[1] / "quarantine").iterdir()
    assert listener.said[0].endswith(f"\n  set aside: {aside}")
    assert list(listener.ended) == [folder.name]
    assert [run.test_score for run in results.runs] == [run.test_score for run in original[1].runs]
    assert again(study)[0].ended == {}


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "another run in its place"])
def test_cost_export_and_report_name_the_damaged_file(study, fault, capsys):
    spoil, said = FAULTS[fault]
    folder = spiking(study[1])
    spoil(folder)
    for use in (read_work, lambda folder: export_run(folder, "nir", study[1] / "net.nir")):
        with pytest.raises(InputError) as caught:
            use(folder)
        assert said in str(caught.value)
    assert rebuild_folder(study[1])[0] == 1
    assert "failed: " in capsys.readouterr().out
    assert said in load_results(study[1]).failures[0]
    assert folder.name in (study[1] / "report.html").read_text()


def test_edited_results_are_not_reported(study):
    path = study[1] / "results.json"
    data = json.loads(path.read_text())
    data["runs"][0]["test_score"] = 0.999
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"results\.json: damaged .*; run the study again"):
        load_results(study[1])
    again(study)
    assert load_results(study[1]).runs[0].test_score != 0.999


@pytest.mark.parametrize("name", ["pair", "rule", "task", "run_id"])
def test_names_in_a_record_cannot_lead_out_of_the_study(study, name):
    folder = spiking(study[1])
    record = json.loads((folder / "run.json").read_text()) | {name: "../../../../x"}
    (folder / "run.json").write_text(json.dumps(record))
    seal(folder)
    with pytest.raises(InputError, match=r"'\.\./\.\./\.\./\.\./x' cannot be the name of a file"):
        read_run(folder)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_in_a_record_is_one_that_a_card_could_give(study, seed):
    folder = spiking(study[1])
    record = json.loads((folder / "run.json").read_text()) | {"seed": seed}
    (folder / "run.json").write_text(json.dumps(record))
    seal(folder)
    with pytest.raises(InputError, match=rf"seed {seed} is not between 0 and 2\*\*32 - 1"):
        read_work(folder)


def test_a_manifest_cannot_lead_out_of_the_run(study):
    folder = spiking(study[1])
    entries = json.loads((folder / "manifest.json").read_text())
    entries["../../plan.json"] = entries["run.json"]
    (folder / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=r"manifest\.json: damaged"):
        read_run(folder)


def test_long_and_odd_names_become_names_of_files():
    assert file_stem("tiny-rate-bptt-row_digits") == "tiny-rate-bptt-row_digits"
    assert file_stem("a/b\nc") == "a_b_c"
    long = file_stem("ü" * 300)
    assert len(long.encode()) <= 180
    assert long != file_stem("ü" * 301)


def test_a_card_edited_while_its_study_runs_changes_nothing(original, tmp_path):
    home, before = original
    card = write_study(tmp_path)
    prepared = prepare_study(card, out=tmp_path / "out")
    pair = tmp_path / "tiny.toml"
    pair.write_text(pair.read_text().replace("input_gain = 6.0", "input_gain = 0.5"))
    results = run_here(prepared)
    assert [(run.run_id, run.test_score) for run in results.runs] == [
        (run.run_id, run.test_score) for run in before.runs
    ]
    for folder in (tmp_path / "out" / "done").glob("tiny-*"):
        assert (folder / "tiny.toml").read_text() == (home / "tiny.toml").read_text()


def test_one_command_at_a_time_works_in_a_folder(study):
    card, out = study
    with held(out), ThreadPoolExecutor(1) as other, pytest.raises(InputError) as caught:
        other.submit(lambda: run_kind(Trainings(), prepare_study(card, out=out), Notebook())).result()
    said = str(caught.value)
    assert said.startswith(f"{out}: another command is at work in this folder (process ")
    assert said.endswith("; wait until it ends, or choose another folder with --out")
    assert again(study)[0].ended == {}


def test_what_a_killed_command_left_is_removed(study):
    _, out = study
    (out / ".plan.json.0123abcd").write_text("half")
    (out / "failed" / ".x.json.0123abcd").write_text("half")
    (out / "working" / "x.0123abcd").mkdir()
    again(study)
    left = [path.name for folder in (out, out / "failed", out / "working") for path in folder.iterdir()]
    assert not [name for name in left if "0123abcd" in name]


def full(*args, **kwargs):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_no_failed_training_and_the_study_goes_on_when_there_is_room(study, monkeypatch):
    card, out = study
    shutil.rmtree(spiking(out))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CannotStore) as caught:
        RunStore(out).put(Finished("x", {"run.json": b"{}" * 10_000}))
    assert str(caught.value).startswith(
        f"{out}/done/x: cannot be written (No space left on device). It takes 0.02 MB, and "
    )
    assert str(caught.value).endswith("free some space and repeat the command, which continues from there")
    with pytest.raises(CannotStore):
        write_atomically(out / "new.json", "x")
    monkeypatch.undo()
    monkeypatch.setattr(store, "sync", full)
    with pytest.raises(CannotStore):
        run_here(prepare_study(card, out=out))
    assert list((out / "failed").iterdir()) == list((out / "working").glob("tiny*")) == []
    monkeypatch.undo()
    assert len(again(study)[0].ended) == 1


def test_the_report_says_which_processors_computed(study, monkeypatch):
    _, out = study
    assert len([note for note in load_results(out).notes if note.startswith("processor: ")]) == 1
    shutil.rmtree(spiking(out))
    monkeypatch.setattr(execution, "_processor", lambda device: "AVX2 (haswell)")
    _, results = again(study)
    (note,) = [note for note in results.notes if note.startswith("MIXED PROCESSORS: ")]
    assert "AVX2 (haswell): 1 runs; " in note
    assert note.endswith("Sums are rounded differently on each, so scores may differ for this reason alone")


def test_a_baseline_has_no_cost(study):
    (folder,) = (study[1] / "done").glob("chance-*")
    with pytest.raises(InputError, match="this run is a baseline and has no network"):
        read_work(folder)


def test_a_failed_run_is_collected_with_its_reason(study):
    card, out = study
    prepared = prepare_study(card, out=out)
    folder = spiking(out)
    record = dataclasses.replace(read_run(folder), status="failed", reason="NaN", folder=None)
    shutil.rmtree(folder)
    RunStore(out).put(finished(record))
    results = collect(load_study(card), prepared.specs, out, quick=False)
    assert [run.reason for run in results.runs if run.status == "failed"] == ["NaN"]


def test_a_study_run_by_a_function_is_stored_in_the_same_way(study):
    card, out = study
    shutil.rmtree(spiking(out))
    run_study(prepare_study(card, out=out), make_executor=in_this_process)
    RunStore(out).has(spiking(out).name)
