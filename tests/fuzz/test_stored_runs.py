"""Whatever happens to the files of a stored run: a readable error, or unchanged numbers."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurorec.basics.errors import InputError
from neurorec.engines.activity import as_arrays
from neurorec.experiments import store
from neurorec.experiments.kinds import trainings
from neurorec.experiments.workloads import read_work
from neurorec.report.studies import load_results
from tests.experiments.test_command_line import call
from tests.experiments.tiny import in_this_process, seal, write_study

ENOUGH = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
PLACE = st.floats(0, 1, exclude_max=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
BYTES = st.one_of(
    st.tuples(st.just("flip"), PLACE, st.integers(1, 255)),
    st.tuples(st.just("cut"), PLACE),
    st.tuples(st.just("insert"), PLACE, st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("replace"), st.binary(max_size=100)),
    st.tuples(st.sampled_from(["delete", "folder", "fifo", "zeros", "deep"])),
    st.tuples(st.just("other"), st.sampled_from(["run.json", "manifest.json", "tiny.toml", "activity.npz"])),
)
EDITS = st.tuples(st.just("edit"), PLACE, JSON)


def spoil(path: Path, how: str, *what) -> None:
    """Do to the file what `how` says."""
    content = path.read_bytes()
    at = int(what[0] * len(content)) if what and isinstance(what[0], float) else 0
    path.unlink()
    if how == "flip":
        path.write_bytes(content[:at] + bytes([content[at] ^ what[1]]) + content[at + 1 :])
    elif how == "cut":
        path.write_bytes(content[:at])
    elif how == "insert":
        path.write_bytes(content[:at] + what[1] + content[at:])
    elif how == "replace":
        path.write_bytes(what[0])
    elif how == "folder":
        path.mkdir()
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "zeros":
        path.symlink_to("/dev/zero")
    elif how == "deep":
        path.write_bytes(b"[" * 90_000)
    elif how == "other" and (other := path.with_name(what[0])).exists():
        path.write_bytes(other.read_bytes())
    elif how == "edit":
        data = json.loads(content)
        data[sorted(data)[int(what[0] * len(data))]] = what[1]
        path.write_text(json.dumps(data))


class Study:
    """A finished study, of which one run at a time is spoiled and put back."""

    def __init__(self, home: Path) -> None:
        self.card, self.out = write_study(home), home / "out"
        call("run", self.card, "--out", self.out)
        (self.run,) = (self.out / "done").glob("tiny-spiking-bptt-store_recall-*")
        self.files = sorted(path.name for path in self.run.iterdir())
        shutil.copytree(self.out, home / "whole")
        self.whole, self.numbers = home / "whole", self.read()
        self.results = load_results(self.out)
        self.scores = self.results.runs

    def read(self) -> tuple:
        """Everything in the run, as plain data."""
        record = store.read_run(self.run)
        weights = {name: value.tolist() for name, value in store.read_weights(self.run).items()}
        counts = as_arrays(store.read_activity(self.run))
        seen = {name: str(value.tolist() if hasattr(value, "tolist") else value) for name, value in counts.items()}
        return record, weights, seen, store.read_history(self.run), store.read_pair(record, self.run).text

    def put_back(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self.whole / "done" / self.run.name, self.run)
        shutil.copy(self.whole / "results.json", self.out)
        shutil.rmtree(self.out / "quarantine", ignore_errors=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainings, "processes", lambda jobs: in_this_process())
        yield Study(tmp_path_factory.mktemp("spoiled"))


def outcome(use: Callable[[], Any]) -> tuple[Any, str]:
    """The result, or the message of a refusal."""
    try:
        return use(), ""
    except InputError as error:
        return None, str(error)


def check_reading(study: Study, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(study.files))
    spoil(study.run / name, *data.draw(BYTES))
    numbers, said = outcome(study.read)
    study.put_back()
    if said:
        assert str(study.run) in said
        assert "run the study again" in said or "not the folder of a finished run" in said
    else:
        assert numbers == study.numbers


@settings(ENOUGH, max_examples=100)
@given(data=st.data())
def test_a_spoiled_run_is_refused_or_unchanged(study, data):
    check_reading(study, data)


@pytest.mark.slow
@settings(ENOUGH, max_examples=10_000)
@given(data=st.data())
def test_a_spoiled_run_is_refused_or_unchanged_10_000_times(study, data):
    check_reading(study, data)


def check_forgery(study: Study, change: tuple) -> None:
    spoil(study.run / "run.json", *change)
    seal(study.run)
    found, said = outcome(lambda: read_work(study.run))
    study.put_back()
    assert found or said


@settings(ENOUGH, max_examples=50)
@given(change=EDITS)
def test_a_record_with_any_contents_is_refused_or_used(study, change):
    check_forgery(study, change)


@pytest.mark.slow
@settings(ENOUGH, max_examples=2_000)
@given(change=EDITS)
def test_a_record_with_any_contents_is_refused_or_used_2_000_times(study, change):
    check_forgery(study, change)


def check_results(study: Study, change: tuple) -> None:
    path = study.out / "results.json"
    spoil(path, *change)
    results, said = outcome(lambda: load_results(study.out))
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    study.put_back()
    assert "results.json" in said if said else results.runs == study.scores


@settings(ENOUGH, max_examples=50)
@given(change=BYTES | EDITS)
def test_spoiled_results_are_refused_or_unchanged(study, change):
    check_results(study, change)


@pytest.mark.slow
@settings(ENOUGH, max_examples=2_000)
@given(change=BYTES | EDITS)
def test_spoiled_results_are_refused_or_unchanged_2_000_times(study, change):
    check_results(study, change)


def check_commands(study: Study, data: st.DataObject) -> None:
    name, verb = data.draw(st.sampled_from(study.files)), data.draw(st.sampled_from(sorted(COMMANDS)))
    try:
        spoil(study.run / name, *data.draw(BYTES))
        done = call(*COMMANDS[verb](study))
        assert done.returncode in ((0, 1, 2) if verb == "report" else (0, 2)), done.stderr
        assert "Traceback" not in done.stderr
        if verb == "run":
            assert done.returncode == 0
            assert [run.test_score for run in load_results(study.out).runs] == [run.test_score for run in study.scores]
    finally:
        study.put_back()


COMMANDS = {
    "run": lambda study: ("run", study.card, "--out", study.out),
    "report": lambda study: ("report", study.out),
    "cost": lambda study: ("cost", study.run, "--chip", "loihi1"),
    "export": lambda study: ("export", study.run, "--out", study.out.parent / "net.nir"),
    "show": lambda study: ("show", study.run / "tiny.toml"),
}


@settings(ENOUGH, max_examples=8)
@given(data=st.data())
def test_every_command_survives_a_spoiled_run(study, data):
    check_commands(study, data)


@pytest.mark.slow
@settings(ENOUGH, max_examples=100)
@given(data=st.data())
def test_every_command_survives_a_spoiled_run_100_times(study, data):
    check_commands(study, data)
